"""A copy of the credentials from before, kept in the cluster: their values never leave it."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import (
    KNOWN_AFTER_APPLY,
    MANAGED_BY,
    RUN_ANNOTATION,
    Api,
    Change,
    Intent,
    NotFound,
    Permission,
    Ref,
    Refused,
    ResourceDefaults,
    State,
    Written,
    advice,
    command,
    is_made_by,
    recorded,
    remove_object,
    require_made_by,
)

from .shown import TYPE, copy_name, shown


@recorded
@dataclass(frozen=True)
class SecretCopy(ResourceDefaults):
    """An immutable copy of a pull secret in the same namespace, so that replaced credentials can come back."""

    namespace: str
    of: str

    @property
    def ref(self) -> Ref:
        """Where the copy is."""
        return Ref("v1", "Secret", copy_name(self.of), self.namespace)

    @property
    def address(self) -> str:
        """``secret/namespace/name``."""
        return self.ref.address

    @property
    def scope(self) -> str:
        """This one Secret."""
        return self.ref.scope

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """This one Secret."""
        return tuple(Permission(verb, "secrets", "", self.namespace, self.ref.name) for verb in ("get", "delete"))

    def made_by(self, run_id: str, state: State) -> bool:
        """Tell whether the Secret is stamped with the run."""
        return is_made_by(run_id, state.get("annotations"))

    def read(self, api: Api) -> State | None:
        """Return the copy without credentials."""
        try:
            return shown(api.kubernetes.read(self.ref), api.digest)
        except NotFound:
            return None

    def desired(self, current: State | None) -> State:
        """Return a new copy; one that is there belongs to a run that was not rolled back, and must not be lost."""
        if current is not None:
            raise Refused(
                f"{self.address} keeps the credentials from before an earlier run",
                "nothing was changed",
                advice(
                    "roll that run back, or delete it: {}",
                    command("kubectl", "-n", self.namespace, "delete", "secret", self.ref.name),
                ),
            )
        return {"type": TYPE, "registries": KNOWN_AFTER_APPLY, "annotations": {RUN_ANNOTATION: KNOWN_AFTER_APPLY}}

    def preview(self, api: Api, change: Change) -> Change:
        """Nothing to ask: the original is valid, so its copy is."""
        del api
        return change

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Copy the original inside the cluster's API, or delete the copy."""
        if change.action == "delete":
            raw = api.kubernetes.read(self.ref)
            require_made_by(run_id, self.address, raw["metadata"].get("annotations"))
            remove_object(api, self.ref, identity or raw["metadata"]["uid"])
            return Written(None)
        original = api.kubernetes.read(Ref("v1", "Secret", self.of, self.namespace))
        metadata = {
            "name": self.ref.name,
            "namespace": self.namespace,
            "annotations": {RUN_ANNOTATION: run_id},
            "labels": dict(MANAGED_BY),
        }
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE,
            "immutable": True,
            "metadata": metadata,
            "data": original["data"],
        }
        made = api.kubernetes.create(self.ref, body)
        return Written(shown(made, api.digest), made["metadata"]["uid"])

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether the copy is there, and ours."""
        del intent
        current = self.read(api)
        if change.action == "create" and current is not None:
            require_made_by(run_id, self.address, current.get("annotations"))
            return Written(current)
        return Written(None) if change.landed(current) else None
