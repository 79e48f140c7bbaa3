"""The text of the configuration: its keys, values and where each stands, for JSON and YAML alike.

Positions are what lets a rewrite touch only the entries that change.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from remediation import limits

from .loading import Compact, TooDeep, configuration_loader

if TYPE_CHECKING:
    import yaml

_BLANK = re.compile(r"[ \t\r\n]*")
_TOO_DEEP = "The text is nested too deeply to be a configuration."


class DocumentError(ValueError):
    """The text is not one mapping; the message is one sentence."""


class Unread(DocumentError):
    """The text is of a kind that is not read here, whatever the agent makes of it."""


@dataclass(frozen=True)
class Span:
    """A piece of the text, from `start` up to but not including `end`, in characters."""

    start: int
    end: int


@dataclass(frozen=True)
class Member:
    """One key and its value; `items` are the places of a list's entries, `column` that of a block list's dashes."""

    key: str
    value: object
    key_span: Span
    span: Span
    items: tuple[Span, ...] = ()
    column: int | None = None


@dataclass(frozen=True)
class Document:
    """The first document of the text; `flow` says whether its mapping is written in braces."""

    text: str
    members: tuple[Member, ...]
    is_json: bool = False
    flow: bool = False
    column: int = 0
    more_documents: bool = False


@lru_cache(maxsize=16)
def read(text: str) -> Document:
    """Read JSON, or the first document of a YAML text, without judging its keys.

    Empty text has no members: the agent then keeps its defaults.

    Raises:
        DocumentError: no YAML, or something other than a mapping; `Unread` for what can stand for any amount of text.
    """
    if (size := len(text.encode(errors="surrogatepass"))) > limits.CONFIGURATION:
        raise Unread(
            f"The text has {limits.kilobytes(size)}, and no more than {limits.kilobytes(limits.CONFIGURATION)} are read; shorten it by hand."
        )
    try:
        return _read_json(text) if _is_json(text) else _read_yaml(text)
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None


def comments(text: str) -> list[str]:
    """Return every YAML comment, from its `#` to the end of its line, in order; a `#` inside a string starts none."""
    if _is_json(text):
        return []
    gaps = _gaps(text)
    return [line[line.index("#") :].rstrip() for gap in gaps for line in gap.splitlines() if "#" in line]


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _read_json(text: str) -> Document:
    members = tuple(_json_members(text))
    return Document(text, members, is_json=True, flow=True)


def _json_members(text: str) -> Iterator[Member]:
    # The text is known to be valid, so the walk needs no checks: find a value, note where it stands, go on.
    for key_span, key in _json_values(text, text.index("{") + 1, stop="}"):
        start = _skip(text, _skip(text, key_span.end) + 1)
        value, end = json.JSONDecoder().raw_decode(text, start)
        items = tuple(span for span, _ in _json_values(text, start + 1, stop="]")) if isinstance(value, list) else ()
        yield Member(str(key), value, key_span, Span(start, end), items)


def _json_values(text: str, position: int, stop: str) -> Iterator[tuple[Span, object]]:
    decoder = json.JSONDecoder()
    position = _skip(text, position)
    while text[position] != stop:
        value, end = decoder.raw_decode(text, position)
        yield Span(position, end), value
        position = _skip(text, end)
        if text[position] == ":":
            position = _skip(text, decoder.raw_decode(text, _skip(text, position + 1))[1])
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _read_yaml(text: str) -> Document:
    import yaml  # noqa: PLC0415 - costs 30 ms that commands without a masquerade configuration need not pay

    try:
        loader = configuration_loader()(text)
        root = loader.get_node() if loader.check_node() else None
        members = tuple(_yaml_members(loader, root))
        more = _has_more(loader)
    except (yaml.YAMLError, ValueError) as error:
        kind = Unread if isinstance(error, Compact) else DocumentError
        raise kind(_syntax_sentence(error)) from error
    flow = isinstance(root, yaml.MappingNode) and bool(root.flow_style)
    column = root.start_mark.column if root is not None else 0
    return Document(text, members, flow=flow, column=column, more_documents=more)


def _yaml_members(loader: Any, root: "yaml.Node | None") -> Iterator[Member]:
    import yaml  # noqa: PLC0415 - see _read_yaml

    if root is None or root.tag == "tag:yaml.org,2002:null":
        return
    if not isinstance(root, yaml.MappingNode):
        raise DocumentError("The text is not a mapping; write keys and values such as nonMasqueradeCIDRs: [...].")
    loader.flatten_mapping(root)
    for key, value in root.value:
        if not isinstance(key, yaml.ScalarNode):
            raise DocumentError("A key of the mapping is a list or a mapping; keys must be plain text.")
        yield _yaml_member(loader, key, value)


def _yaml_member(loader: Any, key: "yaml.ScalarNode", node: "yaml.Node") -> Member:
    import yaml  # noqa: PLC0415 - see _read_yaml

    span, column = _span(node), None
    items: tuple[Span, ...] = ()
    if isinstance(node, yaml.SequenceNode):
        items = tuple(_span(item) for item in node.value)
        column = None if node.flow_style else node.start_mark.column
    if column is not None and items:
        # A block list ends, for the parser, where the next key starts; comments in between are not part of it.
        span = Span(span.start, items[-1].end)
    return Member(str(key.value), loader.construct_object(node, deep=True), _span(key), span, items, column)


def _span(node: "yaml.Node") -> Span:
    return Span(node.start_mark.index, node.end_mark.index)


def _has_more(loader: Any) -> bool:
    import yaml  # noqa: PLC0415 - see _read_yaml

    try:
        return bool(loader.check_node())
    except (yaml.YAMLError, ValueError):
        # The agent stops after the first document, so what follows may even be broken.
        return True


def _syntax_sentence(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" in line {mark.line + 1}" if mark is not None else ""
    if isinstance(error, Compact):
        return f"The text has {error.what}{where}; write the values out, for it can stand for any amount of text."
    if isinstance(error, TooDeep):
        return _TOO_DEEP
    reason = str(getattr(error, "problem", None) or "it cannot be read").splitlines()[0]
    if "\\t" in reason or "\t" in reason:
        return f"The text is not valid YAML{where}: a tab indents the line; indent with spaces."
    return error.args[0] if isinstance(error, DocumentError) else f"The text is not valid YAML{where}: {reason}."


def _gaps(text: str) -> Iterator[str]:
    import yaml  # noqa: PLC0415 - see _read_yaml

    position = 0
    try:
        for token in yaml.scan(text, configuration_loader()):
            yield text[position : token.start_mark.index]
            if getattr(token, "style", None) in ("|", ">"):
                # The header line of a block string may end in a comment, which the token swallows.
                yield text[token.start_mark.index : token.end_mark.index].split("\n", 1)[0]
            position = max(position, token.end_mark.index)
    except (yaml.YAMLError, ValueError):
        pass
    # What could not be scanned counts as well: better one question too many than a lost comment.
    yield text[position:]
