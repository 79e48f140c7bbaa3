"""The YAML of a configuration, read in a time and a memory that grow no faster than its text."""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from remediation import limits

if TYPE_CHECKING:
    import yaml

# What can only be a tab that indents: nothing but blanks stands before it on its line.
_INDENT = re.compile(r"^[^\S\n]*\t[^\S\n]*", re.M)
# More digits than any number of a configuration has; Python refuses to write longer ones out.
_MOST_DIGITS = 40


class Compact(ValueError):
    """A form of YAML with which a short text stands for a long one."""

    def __init__(self, what: str, mark: "yaml.Mark") -> None:
        super().__init__(what)
        self.what, self.problem_mark = what, mark


class TooDeep(ValueError):
    """Lists inside lists, without an end."""


@cache
def configuration_loader() -> "type[yaml.SafeLoader]":
    """Return the loader: no aliases, no merge keys, bounded depth; dates stay text, and tabs are as in Go's library."""
    import yaml  # noqa: PLC0415 - costs 30 ms that commands without a masquerade configuration need not pay

    class Loader(_Bounded, yaml.SafeLoader):
        """Leaves dates as text, as the YAML library of the agent does."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_constructor("tag:yaml.org,2002:int", _integer)
    return Loader


def _integer(loader: Any, node: "yaml.ScalarNode") -> int:
    import yaml  # noqa: PLC0415 - see configuration_loader

    if len(node.value) > _MOST_DIGITS:
        raise yaml.constructor.ConstructorError(None, None, "a number has too many digits", node.start_mark)
    return int(loader.construct_yaml_int(node))


class _Bounded:
    """Refuses while it scans, before anything is made of the text."""

    buffer: str
    pointer: int
    flow_level: int
    indents: list[int]

    def __init__(self, stream: str) -> None:
        self._indenting = frozenset(
            found.start() + place
            for found in _INDENT.finditer(stream)
            for place, character in enumerate(found.group())
            if character == "\t"
        )
        if not self._indenting and "\t" not in stream:
            self.peek = super().peek  # type: ignore[method-assign, misc] # it is asked for each character
        super().__init__(stream)  # type: ignore[call-arg] # the other base is the loader

    def peek(self, index: int = 0) -> str:
        """Return a character. Go's parser takes a tab between words for a space, Python's refuses every such tab."""
        found: str = super().peek(index)  # type: ignore[misc] # see above
        return " " if found == "\t" and self.pointer + index not in self._indenting else found

    def fetch_alias(self) -> None:
        """Refuse ``*name``."""
        raise Compact("a YAML alias", self.get_mark())  # type: ignore[attr-defined] # see above

    def fetch_anchor(self) -> None:
        """Refuse ``&name``."""
        raise Compact("a YAML anchor", self.get_mark())  # type: ignore[attr-defined] # see above

    def flatten_mapping(self, node: "yaml.MappingNode") -> None:
        """Refuse ``<<``, which puts one mapping into another."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise Compact("a YAML merge key", key.start_mark)

    def fetch_more_tokens(self) -> None:
        """Go on, unless it is too deep by now."""
        if self.flow_level + len(self.indents) > limits.DEPTH:
            raise TooDeep
        super().fetch_more_tokens()  # type: ignore[misc] # see above
