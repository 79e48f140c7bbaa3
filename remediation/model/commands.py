"""What to type next, as words: they are quoted here and nowhere else, so that no text of a cluster becomes a command."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

# What a shell or a terminal would take for more than a letter of the word; `$'…'` writes it in ASCII.
_UNSEEN = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True)
class Command:
    """One command as it is typed.

    Args:
        words: the program and its arguments, unquoted.
        reads: the file on its standard input, if any.
        variables: what is set for it alone, such as KUBECONFIG.
    """

    words: tuple[str, ...]
    reads: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return a line for a shell."""
        before = [f"{name}={quoted(value)}" for name, value in self.variables]
        after = ["<", quoted(self.reads)] if self.reads else []
        return " ".join([*before, *map(quoted, self.words), *after])


@dataclass(frozen=True)
class Advice:
    """A sentence of ours, with a place ``{}`` for each command and each word that comes from elsewhere."""

    text: str
    parts: tuple[Command | str, ...] = ()

    def __str__(self) -> str:
        """Return the sentence; what comes from elsewhere is one word in it."""
        return self.text.format(*(quoted(part) if isinstance(part, str) else part for part in self.parts))


@dataclass(frozen=True)
class Repeat:
    """The command that is being carried out, once more, with words added; the command line knows which one it is.

    Args:
        words: what is added.
        verb: ``plan`` or ``run``, where it is to be repeated as that one, without what only the other one takes.
    """

    words: tuple[str, ...] = ()
    verb: str = ""

    def __str__(self) -> str:
        """Return a sentence, for whoever does not know the command."""
        what = "repeat" + (f" as {self.verb}" if self.verb else "")
        return what + (f" with {' '.join(map(quoted, self.words))}" if self.words else " the command" * (not self.verb))


Hint = Command | Advice | Repeat
Hints = tuple[Hint, ...]


def command(*words: str, reads: str = "") -> Command:
    """Return a command of these words."""
    return Command(words, reads)


def repeat(*words: str) -> Repeat:
    """Return the present command with more words."""
    return Repeat(words)


def repeat_as(verb: str, *words: str) -> Repeat:
    """Return the present command as another verb: ``plan`` or ``run``."""
    return Repeat(words, verb)


def advice(text: str, *parts: Command | str) -> Advice:
    """Return a sentence; ``text`` is a constant of the program, never something that was read."""
    return Advice(text, parts)


def hints(given: Hint | Hints) -> Hints:
    """Return one way on, or several, as several."""
    return given if isinstance(given, tuple) else (given,)


def for_runbook(ways: Hints, name: str) -> Hints:
    """Return hints whose `RIGHTS` and `SHOW` are those of a runbook."""
    return tuple(
        command(*way.words[:-1], name) if isinstance(way, Command) and way in (RIGHTS, SHOW) else way for way in ways
    )


def joined(ways: Hints) -> str:
    """Return ways on as one text, for a program and for the journal."""
    return "  or  ".join(map(str, ways))


# Prints the roles to ask for; which runbook was refused, only its caller knows.
RIGHTS = command("runbook", "rbac", "NAME")
# What a runbook does and needs, for a refusal that leads nowhere else.
SHOW = command("runbook", "show", "NAME")


def quoted(word: str) -> str:
    """Return a word that every shell reads as this word, in characters that every terminal shows as they are."""
    if not _UNSEEN.search(word):
        return shlex.quote(word)
    return "$'" + _UNSEEN.sub(_escaped, word.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found.group().encode("utf-8", "surrogatepass"))
