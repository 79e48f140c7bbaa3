"""What a rollback does beside taking everything away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remediation import Facts, Steps

from .addressing import Addressing
from .cleaning import NAME, NAMESPACE, RANGES, work


def restore(facts: Facts, made: Mapping[str, Any]) -> Steps:
    """Put quarantined reservations back whose container turned out to be alive; the others stay in quarantine."""
    if f"daemonset/{NAMESPACE}/{NAME}" not in made:
        return  # nothing has been cleaned
    clean = made[f"daemonset/{NAMESPACE}/{NAME}"]["spec"]["template"]["spec"]["initContainers"][0]
    limit = next(int(item["value"]) for item in clean["env"] if item["name"] == "MAX_RESERVATIONS")
    keys = made[f"configmap/{NAMESPACE}/{NAME}"]["data"]
    cleaned = tuple(key.removeprefix(RANGES) for key in keys if key.startswith(RANGES))
    known = facts(Addressing(cleaned)) if cleaned else {}
    if known:
        yield work(list(known.values()), "restore", clean["image"], limit)
