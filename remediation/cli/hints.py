"""What to type next, so that it works as it stands: on the same cluster, sandbox and store."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from typing import Any

_PLACES = ("--sandbox", "--store", "--kubeconfig")
_TARGET = ("--context", "--project", "--location", "--cluster")
_JOURNAL_KNOWS = ("verify", "resume", "rollback", "runs", "audit", "pause", "unpause")
_FROM_NOTHING = ("plan", "run", "diagnose", "doctor")
_COMMAND = re.compile(rf"\brunbook ({'|'.join(_JOURNAL_KNOWS + _FROM_NOTHING)})\b(?: [a-z0-9][\w-]*)?")
_KUBECTL = re.compile(r"\bkubectl (?!runbook)(config )?")
# Options that a verb does not take over from the other one, with the number of words.
_SHOWS = {"--detailed-exitcode": 1, "--dry-run": 1, "-o": 2, "--output": 2, "--out": 2}
_ASKS = {"--yes": 1, "-y": 1, "--plan": 2, "--on-unhealthy": 2, "--actor": 2, "--ticket": 2, "--reason": 2, "--wait": 2}
_DROPS = {"run": _SHOWS, "plan": _SHOWS | _ASKS}
_of_the_journal: dict[str, str] = {}


def remember_context(name: str) -> None:
    """Take a context that no word of the command line says, but the journal."""
    _of_the_journal["--context"] = name


def here(text: str) -> str:
    """Return a hint whose commands name the sandbox, store, kubeconfig and cluster that this command line has named."""
    given = _given(sys.argv[1:])
    return "  or  ".join(_placed(way, given) for way in text.split("  or  "))


def _placed(way: str, given: dict[str, list[str]]) -> str:
    if way.endswith("--help"):
        return way

    def ours(found: re.Match[str]) -> str:
        names = _PLACES + (_TARGET if found[1] in _FROM_NOTHING else ())
        return " ".join([found[0], *map(shlex.quote, _missing(way, names, given))])

    return _KUBECTL.sub(lambda found: _kubectl(found, way, given), _COMMAND.sub(ours, way))


def _missing(way: str, names: tuple[str, ...], given: dict[str, list[str]]) -> list[str]:
    """Return the words for what was named on this command line and is not in the hint yet."""
    return [word for name in names if name not in way for word in given.get(name, [])]


def _kubectl(found: re.Match[str], way: str, given: dict[str, list[str]]) -> str:
    """Name the cluster for kubectl, which knows no sandbox; its commands about the kubeconfig itself need no context."""
    files = _kubeconfig(given)
    several = os.pathsep in files
    words = ["--kubeconfig", files] if files and not several and "--kubeconfig" not in way else []
    if "--sandbox" not in given and (not found[1] or "--minify" in way):
        words += _missing(way, ("--context",), given)
    before = f"KUBECONFIG={shlex.quote(files)} " if several else ""
    return before + " ".join(["kubectl", *map(shlex.quote, words), ""]) + (found[1] or "")


def _kubeconfig(given: dict[str, list[str]]) -> str:
    if "--sandbox" in given:
        from runbook_sandbox.process import folder  # noqa: PLC0415 - only in the sandbox

        return str(folder("real" if given["--sandbox"] == ["--sandbox=real"] else "emulated") / "kubeconfig")
    return given.get("--kubeconfig", ["", ""])[-1].removeprefix("--kubeconfig=")


def _given(words: list[str]) -> dict[str, list[str]]:
    """Return the words that name the place and the target, by option."""
    chosen: dict[str, list[str]] = {name: ["--context", value] for name, value in _of_the_journal.items()}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        following = words[index + 1 : index + 2]
        if name == "--sandbox":
            chosen[name] = ["--sandbox=real" if "real" in (value, *following) else "--sandbox"]
        elif name in _PLACES + _TARGET:
            chosen[name] = [word] if equals else [word, *following]
    return chosen


def again(verb: str, *more: str) -> str:
    """Return this command line with ``run`` or ``plan`` for its verb, without what only the other one takes."""
    words, kept, drops = list(sys.argv[2:]), [verb], _DROPS[verb]
    while words:
        word = words.pop(0)
        drop = drops.get(word.partition("=")[0], 0)
        if not drop:
            kept.append(word)
        elif drop > 1 and "=" not in word:
            words[:1] = []
    return shlex.join(["runbook", *kept, *more])


def target_words(target: dict[str, str], option: Callable[[str], Any]) -> list[str]:
    """Return the options that name this target and store, for a command that is typed on another day."""
    store = ["--store", option("store")] if option("store") else []
    if option("sandbox"):
        return ["--sandbox" if option("sandbox") == "emulated" else "--sandbox=real", *store]
    files = ["--kubeconfig", option("kubeconfig")] if option("kubeconfig") and "context" in target else []
    named = {name: value for name, value in target.items() if name != "server" and value != "in-cluster"}
    return [*files, *(word for name, value in named.items() for word in (f"--{name}", value)), *store]
