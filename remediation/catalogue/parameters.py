"""The parameters of a runbook, read from the signature of its steps."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Spelling:
    """How a type of value is typed: what stands for it in the help, and what reads it. Part of an ``Annotated`` type.

    ``parse`` turns the text into the value and raises ValueError with one sentence that says what is allowed.
    """

    metavar: str
    parse: Parse = str


_PLAIN = {str: Spelling("TEXT"), bool: Spelling("")}
_ALLOWED = 'Annotated[TYPE, "help"] with a TYPE such as Cidrs, ObjectName | None, str or bool'


@dataclass(frozen=True)
class Option:
    """How a parameter looks on the command line."""

    metavar: str
    help: str
    parse: Parse = str


@dataclass(frozen=True)
class Parameter:
    """One parameter of a runbook."""

    name: str
    option: Option
    repeatable: bool
    flag: bool
    required: bool
    default: Any

    @classmethod
    def of(cls, item: inspect.Parameter, hint: Any) -> Parameter:
        """Read ``name: Annotated[Cidrs, "help"] = ()``, a third part of which is another word for the value in the help.

        Raises:
            TypeError: it is annotated with something else.
        """
        base, *notes = typing.get_args(hint) if hasattr(hint, "__metadata__") else (None,)
        spelling, texts = _spelling(hint), [note for note in notes if isinstance(note, str)]
        if spelling is None or not 1 <= len(texts) <= 2:
            raise TypeError(f"the parameter {item.name} is annotated with {hint!r}; allowed is {_ALLOWED}")
        option = Option(texts[1] if texts[1:] else spelling.metavar, texts[0], spelling.parse)
        required = item.default is inspect.Parameter.empty
        many, default = typing.get_origin(base) is tuple, None if required else item.default
        return cls(item.name, option, many, base is bool, required, default)

    @property
    def flag_name(self) -> str:
        """The command-line option, ``--service-account``."""
        return "--" + self.name.replace("_", "-")

    def value(self, recorded: Any) -> Any:
        """Return the value that a JSON value stands for."""
        if self.repeatable:
            return tuple(self.option.parse(text) for text in recorded or ())
        return self.option.parse(recorded) if isinstance(recorded, str) else recorded

    @property
    def usage(self) -> str:
        """What a person types: ``--masquerade CIDR``, or both ways to say it for a flag that is on by default."""
        both = f"/--no-{self.flag_name[2:]}" if self.flag and self.default else ""
        return f"{self.flag_name}{both} {self.option.metavar}".strip()

    @property
    def word(self) -> str:
        """What stands for a value that nobody has given: ``NAMESPACE``."""
        general = self.option.metavar in ("", "NAME", "TEXT")
        return self.name.upper() if general else self.option.metavar.partition("|")[0]

    @property
    def need(self) -> str:
        """Whether and how often it is given, and what holds when it is not."""
        if self.required:
            return "required"
        if self.repeatable or self.default in (None, False):
            return "repeatable" if self.repeatable else "optional"
        return "on unless told otherwise" if self.flag else f"{self.default} unless given"

    def as_json(self) -> dict[str, Any]:
        """Return what ``runbook list -o json`` says of it."""
        return {
            "name": self.name,
            "option": self.flag_name,
            "metavar": self.option.metavar,
            "help": self.option.help,
            "required": self.required,
            "repeatable": self.repeatable,
            "flag": self.flag,
            "default": list(self.default) if isinstance(self.default, tuple) else self.default,
        }


def _spelling(hint: Any) -> Spelling | None:
    """Return how a type is spelt: its own spelling, or that of the type inside of an optional or repeated one."""
    own = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Spelling)]
    inner = (_spelling(part) for part in typing.get_args(hint) if part is not hint and not isinstance(part, str))
    return own[0] if own else _PLAIN.get(hint) or next((found for found in inner if found), None)
