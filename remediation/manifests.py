"""The manifests that runbooks install, kept as files in ``k8s/`` so that anyone can read and apply them."""

from __future__ import annotations

from pathlib import Path

from remediation.diffing import State

_PACKAGE = Path(__file__).parent


def text(name: str) -> str:
    """Return the content of ``k8s/NAME``, from the installed package or from a checkout."""
    for folder in (_PACKAGE / "k8s", _PACKAGE.parent / "k8s"):
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8")
    raise AssertionError(f"k8s/{name} is part of this package")


def manifest(name: str) -> State:
    """Return the one object of ``k8s/NAME``."""
    import yaml  # noqa: PLC0415 - most verbs load no manifest

    document: State = yaml.safe_load(text(name))
    return document
