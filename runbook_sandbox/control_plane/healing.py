"""On a real control plane nobody plays the disk of a node: free its addresses once the cleaning pod has run."""

from __future__ import annotations

import threading
from typing import Any

from runbook_sandbox.nodes.marks import EXHAUSTED

_LOOK_SECONDS = 0.5
_EVENTS = (
    "-n",
    "kube-system",
    "get",
    "events",
    "--field-selector",
    "involvedObject.name=runbook-ipam-cleanup",
    "-o",
    "name",
)


def heal_until(stopped: threading.Event, plane: Any) -> None:
    """Look for a cleaning DaemonSet until stopped; the pods that wait for an address get one when there was one.

    The DaemonSet may be there for less time than passes between two looks; its events stay.
    """
    seen = 0
    while not stopped.wait(_LOOK_SECONDS):
        found = len(plane.kubectl(*_EVENTS).stdout.splitlines())
        if found > seen:
            plane.kubectl("label", "pods", "--all-namespaces", "-l", f"{EXHAUSTED}=true", f"{EXHAUSTED}-")
        seen = found
