"""Several kubeconfig files as one, by kubectl's rules: of each name, and for the current context, the first file decides.

The official client's own merging lets the last file choose the current context, which is another cluster than kubectl's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from remediation.model.commands import command
from remediation.model.errors import Refused
from remediation.model.limits import DEPTH, KUBECONFIG, kilobytes

_KINDS = ("clusters", "users", "contexts")
# What names a file, by kind: relative to the kubeconfig that says it, not to the first one.
_FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}


def existing(where: str) -> list[Path]:
    """Return the files of a search path that are there; kubectl passes over the others too."""
    paths = [Path(path).expanduser() for path in where.split(os.pathsep) if path]
    return [path for path in paths if path.exists()]


def merged(where: str) -> dict[str, Any]:
    """Return the one kubeconfig that the files of a search path make; raises Refused for a name that one file has twice."""
    found: dict[str, Any] = {kind: [] for kind in _KINDS}
    for path in existing(where):
        document = _document(path)
        for kind in _KINDS:
            known = _names(found[kind])
            found[kind] += [item for item in _items(document, kind, path) if item["name"] not in known]
        if document.get("current-context"):
            found.setdefault("current-context", document["current-context"])
    return found


def contexts(where: str) -> list[str]:
    """Return the names of the contexts of a search path."""
    return _names(merged(where)["contexts"])


def _document(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        text = file.read(KUBECONFIG + 1)
    if len(text) > KUBECONFIG:
        raise _unusable(path, f"it has more than {kilobytes(KUBECONFIG)}")
    document = _plain(path, text.decode())
    if not isinstance(document, dict | None):
        raise TypeError
    return document or {}


def _plain(path: Path, text: str) -> Any:
    """Read YAML without merge keys, with which a short text is more than a machine holds; an alias alone is no copy."""
    import yaml  # noqa: PLC0415 - only needed once a cluster is asked

    loader, depth = getattr(yaml, "CSafeLoader", yaml.SafeLoader), 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            line = event.start_mark.line + 1 if event.start_mark else "?"
            raise _unusable(path, f"it has a YAML merge key in line {line}; write the values out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise _unusable(path, "it is nested too deeply")
    return yaml.load(text, loader)  # noqa: S506 - both are safe loaders


def _unusable(path: Path, why: str) -> Refused:
    return Refused(
        f"the kubeconfig {path} cannot be used: {why}", "nothing was changed", command("kubectl", "config", "view")
    )


def _items(document: dict[str, Any], kind: str, path: Path) -> list[dict[str, Any]]:
    items = document.get(kind) or []
    names = _names(items)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _unusable(path, f"two of its {kind} are called {twice[0]!r}")
    return [_located(item, kind, path.absolute().parent) for item in items]


def _names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def _located(item: dict[str, Any], kind: str, folder: Path) -> dict[str, Any]:
    """Make every relative file name of an entry absolute; a command without a slash is looked for in $PATH."""
    inner: dict[str, Any] = item.get(kind[:-1]) or {}
    for key in _FILES.get(kind, ()):
        if inner.get(key):
            inner[key] = os.path.normpath(folder / inner[key])
    login = inner.get("exec")
    if login and os.sep in login["command"]:
        login["command"] = os.path.normpath(folder / login["command"])
    return item
