"""Checks on objects of a cluster, answered from watches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from remediation.model.api import Api
from remediation.model.diffing import State
from remediation.model.errors import NotFound
from remediation.model.records import recorded
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.model.steps import CheckDefaults, Verdict
from remediation.providers.kubernetes.late_nodes import late_nodes


@recorded
@dataclass(frozen=True)
class DaemonSetRolledOut(CheckDefaults):
    """The DaemonSet runs its newest template on every node that it should; no node at all is not success."""

    namespace: str
    name: str

    @property
    def ref(self) -> Ref:
        """Where the DaemonSet is."""
        return Ref("apps/v1", "DaemonSet", self.name, self.namespace)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"{self.ref.address} is rolled out on every node"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get by name; list and watch cannot be limited to a name with every server."""
        return (
            Permission("get", "daemonsets", "apps", self.namespace, self.name),
            Permission("watch", "daemonsets", "apps", self.namespace),
        )

    def ask(self, api: Api) -> Verdict:
        """Compare the numbers like ``kubectl rollout status`` does."""
        try:
            return rollout(api.kubernetes.read(self.ref))
        except NotFound:
            return Verdict("failing", "it does not exist")

    def explained(self, api: Api, verdict: Verdict) -> Verdict:
        """Name the nodes that are waited for; who may not look is told the numbers alone."""
        late = "" if verdict.final else late_nodes(api, self.ref)
        return replace(verdict, detail=f"{late}; {verdict.detail}") if late else verdict

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of the DaemonSet."""
        return api.kubernetes.changes(self.ref, within, fields=f"metadata.name={self.name}")


def rollout(daemonset: State) -> Verdict:
    """Tell from a DaemonSet's numbers whether its rollout is finished."""
    status, generation = daemonset.get("status", {}), daemonset["metadata"].get("generation", 0)
    wanted, updated, available = (
        status.get(key, 0) for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    if status.get("observedGeneration", 0) < generation:
        return Verdict("failing", "the controller has not seen the change yet")
    if wanted == 0:
        return Verdict("failing", "it is scheduled on no node, which proves nothing")
    strategy = (daemonset.get("spec", {}).get("updateStrategy") or {}).get("type")
    if updated < wanted and strategy == "OnDelete":
        old = f"{wanted - updated} of {wanted} pods run an older template"
        return Verdict("failing", f"{old}; with OnDelete each waits until somebody deletes it", final=True)
    if updated < wanted or available < wanted:
        return Verdict("failing", f"{updated} of {wanted} nodes updated, {available} available")
    return Verdict("ok", f"{available} of {wanted} nodes updated and available")
