"""Faults of a real control plane, as kwok Stages: what the kubelets of a broken cluster would report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

__all__ = ["FAULTS", "stages"]

_FILES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}
_NOT_READY_WHEN = "sandbox.runbook/not-ready-when"

FAULTS = tuple(_FILES)
"""Names of all faults. One that is switched on concerns only the pods that its file describes."""


def stages(assets: Path, directory: Path, faults: Sequence[str], nodes: int = 3) -> Path:
    """Write the configuration with which kwok plays healthy pods and the given faults, and return its path.

    Args:
        assets: directory of the control plane's programs, with their `stages.yaml`.
        directory: where to write.
        faults: names out of `FAULTS`.
        nodes: for how many nodes, `node-1` and so on, a fault of one node can happen.

    Raises:
        ValueError: there is no such fault.
    """
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    broken = [stage for fault in faults for stage in _fault(_FILES[fault].read_text(), nodes)]
    healthy = list(yaml.safe_load_all((assets / "stages.yaml").read_text()))
    path = directory / "kwok.yaml"
    path.write_text(yaml.safe_dump_all([*_yielding(healthy, broken), *broken]))
    return path


def _fault(text: str, nodes: int) -> list[dict[str, Any]]:
    copies = range(1, nodes + 1) if "NUMBER" in text else [0]
    return [yaml.safe_load(text.replace("NUMBER", str(number))) for number in copies]


def _yielding(healthy: list[dict[str, Any]], broken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Without these conditions a broken pod would become Ready as soon as its fault has been played.
    conditions = [
        {"key": stage["metadata"]["annotations"][_NOT_READY_WHEN], "operator": "DoesNotExist"} for stage in broken
    ]
    for stage in healthy:
        if stage["metadata"]["name"] == "pod-ready":
            stage["spec"]["selector"]["matchExpressions"] += conditions
    return healthy
