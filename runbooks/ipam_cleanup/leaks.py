"""What is known about why pod addresses leak, and whether an upgrade ends it: that depends on version and dataplane.

Source: https://cloud.google.com/kubernetes-engine/docs/troubleshooting/dataplane-v2 (the versions with the fix) and
https://github.com/containerd/containerd/issues/12130 (a similar leak with chained plugins, which is open)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from remediation import Facts, Forbidden, ObjectNamed

_VERSION = re.compile(r"v?1\.(\d+)\.(\d+)-gke\.(\d+)")
# The first version of each minor with a containerd that releases the address; later minors have it from the start.
_FIXED = {22: (17, 3100), 23: (16, 200), 24: (9, 3200), 25: (6, 200)}
_AGENT = ObjectNamed("apps/v1", "DaemonSet", "anetd", "kube-system")


@dataclass(frozen=True)
class DataplaneV2:
    """Whether GKE Dataplane V2 runs in a cluster: its agent is there; None when that may not be read."""

    permissions = _AGENT.permissions

    def ask(self, facts: Facts) -> bool | None:
        """Look for the agent."""
        try:
            return facts(_AGENT) is not None
        except Forbidden:
            return None


def cure(version: str, dataplane_v2: bool | None) -> str:
    """Return what is known about an upgrade as a cure for a node.

    Args:
        version: the kubelet's, ``v1.24.8-gke.2000``.
        dataplane_v2: whether Dataplane V2 runs there, None when nobody knows.
    """
    found = _VERSION.fullmatch(version)
    if not found:
        return f"{version or 'its version'} is not a version of GKE, so nothing is known of an upgrade"
    minor, *build = map(int, found.groups())
    if minor < min(_FIXED):
        return f"{version} is older than the versions with the known fault, 1.{min(_FIXED)} to 1.{max(_FIXED)}"
    if minor > max(_FIXED) or tuple(build) >= _FIXED[minor]:
        return f"{version} has the fix of the known fault of containerd; an upgrade is not known to cure this leak"
    patch, number = _FIXED[minor]
    return (
        f"{version} has a containerd with a known fault{_ifs(dataplane_v2)}; 1.{minor}.{patch}-gke.{number} cures that"
    )


def _ifs(dataplane_v2: bool | None) -> str:
    if dataplane_v2 is None:
        return " of Dataplane V2, and whether that runs here could not be read"
    return "" if dataplane_v2 else " of Dataplane V2, but that does not run here (there is no DaemonSet anetd)"
