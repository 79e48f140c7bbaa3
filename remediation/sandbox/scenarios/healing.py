"""On a real control plane nobody plays the disk of a node: free its addresses once the cleaning pod has run."""

from __future__ import annotations

import threading
from typing import Any

from remediation.sandbox.scenarios.marks import EXHAUSTED

_LOOK_SECONDS = 0.5


def heal_until(stopped: threading.Event, plane: Any) -> None:
    """Look for cleaning pods until stopped; the pods that wait for an address get one when there is one."""
    while not stopped.wait(_LOOK_SECONDS):
        listed = plane.kubectl(
            "-n", "kube-system", "get", "daemonset", "runbook-ipam-cleanup", "--ignore-not-found", "-o", "name"
        )
        if listed.stdout.strip():
            plane.kubectl("label", "pods", "--all-namespaces", "-l", f"{EXHAUSTED}=true", f"{EXHAUSTED}-")
