"""What a run asks and touches, for rights and records alike."""

from __future__ import annotations

from typing import Any

from remediation import Cluster

from .addressing import Addressing, NodeAddressing
from .cleaning import IMAGE, work
from .leaks import DataplaneV2
from .proof import PodsHaveAddresses


def needs(target: Cluster, node: tuple[str, ...] = (), image: str = IMAGE, **_: Any) -> list[Any]:
    """Return every fact, resource and check."""
    nodes = [NodeAddressing(name, name, (), 0, 0, (), "") for name in dict.fromkeys(node or ("NODE",))]
    during = work(nodes, "clean", image, 1)
    return [
        Addressing(node),
        Addressing(),
        DataplaneV2(),
        *during.resources,
        during.until.check,
        PodsHaveAddresses(tuple(item.node for item in nodes)),
    ]
