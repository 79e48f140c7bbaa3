"""Every runbook of the catalogue takes the rights that are printed for it, no more and no less."""

from __future__ import annotations

from typing import ClassVar

from remediation.testing.rights import Rights

_CONTROLLED = "pods have such a controller"


class TestRights(Rights):
    conditional: ClassVar[dict[str, str]] = {
        "get daemonsets": _CONTROLLED,
        "get jobs": _CONTROLLED,
        "get replicationcontrollers": _CONTROLLED,
        "get statefulsets": _CONTROLLED,
        "list compute.regionOperations.list": "the answer to a write was lost, and its operation is looked for",
    }
