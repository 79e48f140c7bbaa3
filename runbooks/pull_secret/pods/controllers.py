"""How many pods controllers want: what has to be there, whatever is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from remediation import Facts, Forbidden, ObjectNamed, ObjectsOf, Permission, State, controller_of, live_pods

from .status import stuck

_KINDS = (
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("v1", "ReplicationController"),
)


@dataclass(frozen=True)
class DesiredPods:
    """How many pods a controller wants; None where its kind does not tell, or the caller may not ask.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/
    """

    api_version: str
    kind: str
    name: str
    namespace: str

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get controllers of the usual kinds; which ones there are is not known before."""
        return tuple(
            right for kind in _KINDS for right in ObjectNamed(*kind, name="", namespace=self.namespace).permissions
        )

    def ask(self, facts: Facts) -> int | None:
        """Read the controller; one that is gone or going wants none."""
        if (self.api_version, self.kind) not in _KINDS:
            return None
        try:
            found = facts(ObjectNamed(self.api_version, self.kind, self.name, self.namespace))
        except Forbidden:
            return None
        if found is None or "deletionTimestamp" in found["metadata"]:
            return 0
        return _wanted(self.kind, found["spec"], found.get("status") or {})


def _wanted(kind: str, spec: State, status: State) -> int:
    if kind == "DaemonSet":
        return int(status.get("desiredNumberScheduled", 0))
    if kind == "Job":
        left = spec.get("completions", spec.get("parallelism", 1)) - status.get("succeeded", 0)
        return 0 if spec.get("suspend") or status.get("completionTime") else min(spec.get("parallelism", 1), left)
    return int(spec.get("replicas", 1))


@dataclass(frozen=True)
class StuckPods:
    """Pods of a service account that cannot pull from a registry and would be made anew with the secret, by controller.

    The answer has the API version, kind and name of each controller, and how many of its pods are stuck.
    """

    namespace: str
    service_account: str
    host: str
    secret: str

    @property
    def _sources(self) -> tuple[ObjectNamed, ObjectsOf]:
        return ObjectNamed("v1", "ServiceAccount", self.service_account, self.namespace), live_pods(self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get the service account, list the pods."""
        return tuple(right for source in self._sources for right in source.permissions)

    def ask(self, facts: Facts) -> tuple[tuple[str, str, str, int], ...]:
        """Count them."""
        account, pods = facts.together(*self._sources)
        found = stuck(pods, account, self.host, self.secret)
        counts = Counter(ref for pod in found if (ref := controller_of(pod)))
        return tuple((ref.api_version, ref.kind, ref.name, count) for ref, count in sorted(counts.items(), key=str))
