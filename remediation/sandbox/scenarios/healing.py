"""On a real control plane nobody plays the disk of a node: free its addresses once the cleaning pod has run."""

from __future__ import annotations

import threading
from typing import Any

from remediation.sandbox.scenarios.marks import EXHAUSTED

_LOOK_SECONDS = 0.5


def heal_until(stopped: threading.Event, plane: Any) -> None:
    """Look for a cleaning DaemonSet until stopped; the pods that wait for an address get one when there was one.

    The DaemonSet may be there for less time than passes between two looks; the audit log remembers it.
    """
    mark = plane.mark()
    while not stopped.wait(_LOOK_SECONDS):
        made = [item for item in plane.writes(mark) if item["objectRef"].get("name") == "runbook-ipam-cleanup"]
        if any(item["objectRef"]["resource"] == "daemonsets" for item in made):
            plane.kubectl("label", "pods", "--all-namespaces", "-l", f"{EXHAUSTED}=true", f"{EXHAUSTED}-")
            mark = plane.mark()
