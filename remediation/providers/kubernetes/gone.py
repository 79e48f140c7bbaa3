"""Wait until an object is gone, by watching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from remediation.model.api import Api
from remediation.model.errors import NotFound
from remediation.model.records import recorded
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.model.steps import CheckDefaults, Verdict


@recorded
@dataclass(frozen=True)
class Gone(CheckDefaults):
    """The object does not exist; with a ``uid``, another one of the same name is no reason to wait."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""

    @property
    def ref(self) -> Ref:
        """Where the object is."""
        return Ref(self.api_version, self.kind, self.name, self.namespace)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"{self.ref.address} is gone"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get by name; list and watch cannot be limited to a name with every server."""
        plural, group = self.ref.plural, self.ref.group
        return (
            Permission("get", plural, group, self.namespace, self.name),
            Permission("watch", plural, group, self.namespace),
        )

    def ask(self, api: Api) -> Verdict:
        """Look for it, and say who keeps it."""
        try:
            metadata = api.kubernetes.read(self.ref)["metadata"]
        except NotFound:
            return Verdict("ok", "it does not exist")
        if self.uid and metadata["uid"] != self.uid:
            return Verdict("ok", "another one has its name")
        keep = ", ".join(metadata.get("finalizers") or [])
        if not metadata.get("deletionTimestamp"):
            return Verdict("failing", "nobody has deleted it")
        return Verdict(
            "failing", f"it is marked for deletion; finalizer {keep} keeps it" if keep else "it is being deleted"
        )

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of the object."""
        return api.kubernetes.changes(self.ref, within, fields=f"metadata.name={self.name}")
