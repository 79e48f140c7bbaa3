"""The files that a runbook installs, kept beside it so that anyone can read and apply them."""

from __future__ import annotations

from importlib.resources import files

from remediation.model.diffing import State


def file_beside(module: str, name: str) -> str:
    """Return the content of the file ``name`` beside ``module``: ``file_beside(__name__, "script.sh")``."""
    return (files(module.rpartition(".")[0]) / name).read_text("utf-8")


def manifest(module: str, name: str) -> State:
    """Return the one object of the file ``name`` beside ``module``: ``manifest(__name__, "daemonset.yaml")``."""
    import yaml  # noqa: PLC0415 - most verbs load no manifest

    document: State = yaml.safe_load(file_beside(module, name))
    return document
