"""What to type next, so that it works as it stands: on the same cluster, sandbox and store."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from typing import Any

from remediation.model.commands import RIGHTS, Advice, Command, Hint, Hints, Repeat, command, for_runbook
from remediation.model.errors import RunbookError, UsageProblem

_PLACES = ("--catalogue", "--sandbox", "--store", "--kubeconfig")
_COORDINATES = ("context", "project", "location", "cluster")
_TARGET = tuple(f"--{name}" for name in _COORDINATES)
_JOURNAL_KNOWS = ("verify", "resume", "rollback", "runs", "audit", "pause", "unpause")
_FROM_NOTHING = ("plan", "run", "diagnose", "doctor")
# Options that a verb does not take over from the other one, with the number of words.
_SHOWS = {"--full": 1, "--detailed-exitcode": 1, "--dry-run": 1, "-o": 2, "--output": 2, "--out": 2}
_ASKS = {
    "--yes": 1,
    "-y": 1,
    "--plan": 2,
    "--on-unhealthy": 2,
    "--actor": 2,
    "--ticket": 2,
    "--reason": 2,
    "--wait": 2,
    "--irreversible": 2,
    "--accept": 2,
}
_DROPS = {"run": _SHOWS, "plan": _SHOWS | _ASKS}
_DOCTOR = command("runbook", "doctor")
_of_the_journal: dict[str, str] = {}
_runbook: list[str] = []


def remember_target(**named: str | None) -> None:
    """Take coordinates of the target that no word of the command line says, but the journal."""
    _of_the_journal.update({f"--{name}": value for name, value in named.items() if value})


def remember_runbook(name: str) -> None:
    """Take the runbook whose rights are meant where some are missing."""
    _runbook[:] = [name]


def here(ways: Hints) -> Hints:
    """Return hints whose commands name the sandbox, store, kubeconfig and cluster that this command line has named.

    Where no runbook is at work nobody can say which rights are missing; `doctor` looks at those of all.
    """
    given = _given(sys.argv[1:])
    known = for_runbook(ways, _runbook[0]) if _runbook else ways
    return tuple(_placed(_DOCTOR if way == RIGHTS else way, given) for way in known)


def _placed(way: Hint, given: dict[str, list[str]]) -> Hint:
    if isinstance(way, Advice):
        parts = tuple(_command_placed(part, given) if isinstance(part, Command) else part for part in way.parts)
        return replace(way, parts=parts)
    if isinstance(way, Repeat) and way.verb:
        return again(way.verb, *way.words)
    if isinstance(way, Repeat):
        return command("runbook", *sys.argv[1:], *way.words, reads="KEY.json" if "-" in sys.argv else "")
    return _command_placed(way, given)


def _command_placed(ours: Command, given: dict[str, list[str]]) -> Command:
    program, verb = (*ours.words, "", "")[:2]
    if program == "kubectl" and verb != "runbook":
        return _kubectl(ours, given)
    if program != "runbook" or "--help" in ours.words:
        return ours
    names: tuple[str, ...] = ("--catalogue",)
    if verb in _JOURNAL_KNOWS + _FROM_NOTHING:
        names = _PLACES + (_TARGET if verb in _FROM_NOTHING else ())
    place = 3 if _is_name(ours.words[2:3]) else 2
    return replace(ours, words=(*ours.words[:place], *_missing(ours, names, given), *ours.words[place:]))


def _is_name(words: tuple[str, ...]) -> bool:
    return bool(words) and not words[0].startswith("-")


def _missing(ours: Command, names: tuple[str, ...], given: dict[str, list[str]]) -> list[str]:
    """Return the words for what was named on this command line and is not in the command yet."""
    there = {word.partition("=")[0] for word in ours.words}
    return [word for name in names if name not in there for word in given.get(name, [])]


def _kubectl(ours: Command, given: dict[str, list[str]]) -> Command:
    """Name the cluster for kubectl, which knows no sandbox; its commands about the kubeconfig itself need no context."""
    files = _kubeconfig(given)
    several = os.pathsep in files
    words = ["--kubeconfig", files] if files and not several and "--kubeconfig" not in ours.words else []
    if "--sandbox" not in given and (ours.words[1:2] != ("config",) or "--minify" in ours.words):
        words += _missing(ours, ("--context",), given)
    variables = (("KUBECONFIG", files),) if several else ()
    return replace(ours, words=("kubectl", *words, *ours.words[1:]), variables=variables)


def _kubeconfig(given: dict[str, list[str]]) -> str:
    if "--sandbox" in given:
        from runbook_sandbox.process import folder  # noqa: PLC0415 - only in the sandbox

        return str(folder("real" if given["--sandbox"] == ["--sandbox=real"] else "emulated") / "kubeconfig")
    return given.get("--kubeconfig", ["", ""])[-1].removeprefix("--kubeconfig=")


def _given(words: list[str]) -> dict[str, list[str]]:
    """Return the words that name the place and the target, by option."""
    chosen: dict[str, list[str]] = {name: [name, value] for name, value in _of_the_journal.items()}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        following = words[index + 1 : index + 2]
        if name == "--sandbox":
            chosen[name] = ["--sandbox=real" if "real" in (value, *following) else "--sandbox"]
        elif name in _PLACES + _TARGET:
            chosen[name] = [word] if equals else [word, *following]
    return chosen


def again(verb: str, *more: str) -> Command:
    """Return this command line with ``run`` or ``plan`` for its verb, without what only the other one takes."""
    words, kept, drops = list(sys.argv[2:]), [verb], _DROPS[verb]
    while words:
        word = words.pop(0)
        drop = drops.get(word.partition("=")[0], 0)
        if not drop:
            kept.append(word)
        elif drop > 1 and "=" not in word:
            words[:1] = []
    return command("runbook", *kept, *more)


def ways_from(problem: RunbookError) -> Hints:
    """Return what an error says to type next; where that is nothing and a word was wrong, the help of this command."""
    if problem.next or not isinstance(problem, UsageProblem):
        return problem.next
    named = takewhile(lambda word: not word.startswith("-"), sys.argv[1:])
    return (command("runbook", *named, "--help"),)


def target_words(target: dict[str, str], option: Callable[[str], Any]) -> list[str]:
    """Return the options that name this target and store, for a command that is typed on another day."""
    store = ["--store", option("store")] if option("store") else []
    if option("sandbox"):
        return ["--sandbox" if option("sandbox") == "emulated" else "--sandbox=real", *store]
    files = ["--kubeconfig", option("kubeconfig")] if option("kubeconfig") and "context" in target else []
    named = [(f"--{name}", target[name]) for name in _COORDINATES if target.get(name) not in (None, "in-cluster")]
    return [*files, *(word for pair in named for word in pair), *store]
