"""What to type next, so that it works as it stands: on the same cluster, sandbox and store."""

from __future__ import annotations

import re
import shlex
import sys

_PLACES = ("--sandbox", "--store", "--kubeconfig")
_COMMAND = re.compile(r"\brunbook (?:verify|resume|rollback|plan|run|diagnose|runs)\b(?: [a-z0-9][\w-]*)?")
# Options that say how to show a plan, not what to plan.
_ONLY_PLAN = {"--detailed-exitcode": 1, "--dry-run": 1, "-o": 2, "--output": 2, "--out": 2}


def here(text: str) -> str:
    """Return a hint whose commands name the sandbox, store and kubeconfig that this command line has named."""
    places = _places(sys.argv[1:])
    return _COMMAND.sub(lambda found: found[0] + places, text) if places else text


def _places(words: list[str]) -> str:
    chosen = []
    for index, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if name in _PLACES:
            value = [] if equals or name == "--sandbox" else words[index + 1 : index + 2]
            chosen.append(shlex.join([word, *value]))
    return "".join(f" {item}" for item in chosen)


def run_instead() -> str:
    """Return this command line with ``run`` for its verb, and without what only shows."""
    words, kept = list(sys.argv[1:]), ["run"]
    words = words[words.index("plan") + 1 :] if "plan" in words else words[1:]
    while words:
        word = words.pop(0)
        drop = _ONLY_PLAN.get(word.partition("=")[0], 0)
        if not drop:
            kept.append(word)
        elif drop > 1 and "=" not in word:
            words[:1] = []
    return "runbook " + shlex.join(kept)
