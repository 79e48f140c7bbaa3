"""Registry credentials in a Secret: one registry's entry is ours, the others stay; values are never shown.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any

from remediation.changes import Change, Written
from remediation.diffing import ABSENT, KNOWN_AFTER_APPLY, State, get
from remediation.errors import Conflict, NotFound, Refused
from remediation.model import Permission
from remediation.records import recorded
from remediation.refs import Ref
from remediation.registry import DockerConfig, Entry, ServiceAccountKey, docker_config_entry, same_registry
from remediation.resources.kubernetes import ROW_ANNOTATION, RUN_ANNOTATION
from remediation.resources.service_account_key import material_name

TYPE, DATA_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
KEY_ANNOTATION = "runbook/key-id"
_DETACH_SECONDS = 10.0


def shown(secret: State, digest: Any) -> State:
    """Return a pull secret as plans and journals may show it: registries with fingerprints instead of credentials."""
    config = DockerConfig.parse(base64.b64decode((secret.get("data") or {}).get(DATA_KEY, "")))
    metadata = secret["metadata"]
    notes = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key in (RUN_ANNOTATION, KEY_ANNOTATION, ROW_ANNOTATION)
    }
    return {"type": secret.get("type"), "registries": config.fingerprints(digest)} | (
        {"annotations": notes} if notes else {}
    )


@recorded
@dataclass(frozen=True)
class PullSecret:
    """A ``dockerconfigjson`` Secret that has the credentials of one registry.

    Args:
        namespace, name: the Secret.
        host: the registry whose entry we want.
        source: ``file:PATH`` or ``key:EMAIL``; where the credentials come from, never what they are.
        wanted: the fingerprint of the credentials, or KNOWN_AFTER_APPLY.
    """

    namespace: str
    name: str
    host: str
    source: str
    wanted: str = KNOWN_AFTER_APPLY
    reason: str = "the credentials are there already"

    @property
    def ref(self) -> Ref:
        """Where the Secret is."""
        return Ref("v1", "Secret", self.name, self.namespace)

    @property
    def address(self) -> str:
        """``secret/namespace/name``."""
        return self.ref.address

    @property
    def scope(self) -> str:
        """The namespace."""
        return f"namespace/{self.namespace}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """This one Secret; create cannot be limited to a name; pods are listed before it is deleted."""
        named = tuple(Permission(verb, "secrets", "", self.namespace, self.name) for verb in ("get", "patch", "delete"))
        return (
            *named,
            Permission("create", "secrets", "", self.namespace),
            Permission("list", "pods", "", self.namespace),
        )

    def _raw(self, api: Any) -> State | None:
        try:
            found: State = api.kubernetes.read(self.ref)
        except NotFound:
            return None
        if found.get("type") != TYPE:
            raise Refused(
                f"{self.address} exists with type {found.get('type')!r}; a Secret's type cannot be changed",
                "nothing was changed",
                "choose another name with --secret NAME",
            )
        return found

    def read(self, api: Any) -> State | None:
        """Return the Secret without credentials, None when it does not exist; raises Refused for another type."""
        raw = self._raw(api)
        return self._shown(raw, api) if raw else None

    def _shown(self, raw: State, api: Any) -> State:
        try:
            return shown(raw, api.digest)
        except ValueError as problem:
            raise Refused(
                f"{self.address} does not hold a valid docker configuration: {problem}",
                "nothing was changed",
                "choose another name with --secret NAME",
            ) from None

    def desired(self, current: State | None) -> State:
        """Return the Secret with our registry's entry."""
        if current is None:
            return {
                "type": TYPE,
                "registries": {self.host: self.wanted},
                "annotations": {RUN_ANNOTATION: KNOWN_AFTER_APPLY},
            }
        spelt = next((host for host in current["registries"] if same_registry(host, self.host)), self.host)
        return {**current, "registries": current["registries"] | {spelt: self.wanted}}

    def preview(self, api: Any, change: Change) -> Change:
        """Send a create with empty credentials and ``dryRun=All``; a change of the data needs no server to be judged."""
        if change.action == "create":
            api.kubernetes.create(self.ref, self._body(DockerConfig(), "preview"), dry_run=True)
        return change

    def _body(self, config: DockerConfig, run_id: str) -> State:
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": {"app.kubernetes.io/managed-by": "runbook"},
            "annotations": {RUN_ANNOTATION: run_id, ROW_ANNOTATION: "IMG-02"},
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE,
            "metadata": metadata,
            "data": {DATA_KEY: _encoded(config)},
        }

    def _entry(self, api: Any) -> Entry:
        kind, _, where = self.source.partition(":")
        raw = api.material.file(where) if kind == "file" else api.material.get(material_name(where))
        return docker_config_entry(self.host, ServiceAccountKey.parse(raw))

    def write(self, api: Any, change: Change, run_id: str, identity: str = "") -> Written:
        """Create the Secret, or change only our registry's entry, or delete exactly the Secret that the run made."""
        if change.action == "create":
            body = self._body(DockerConfig().merge(self.host, self._entry(api)), run_id)
            return self._written(api.kubernetes.create(self.ref, body), api)
        raw = self._expected(api, change, identity)
        if change.action == "delete":
            self._wait_until_unused(api)
            api.kubernetes.delete(self.ref, raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])
            return Written(None)
        config = self._edited(api, DockerConfig.parse(base64.b64decode(raw["data"][DATA_KEY])), change)
        path = "/data/" + DATA_KEY
        guarded = [
            {"op": "test", "path": path, "value": raw["data"][DATA_KEY]},
            {"op": "replace", "path": path, "value": _encoded(config)},
        ]
        return self._written(api.kubernetes.patch(self.ref, guarded), api)

    def _edited(self, api: Any, config: DockerConfig, change: Change) -> DockerConfig:
        """Return the configuration with our entry set, removed, or restored from the copy that the run made."""
        spelt = change.edits[0].path[-1]
        wanted = get(change.after, ("registries", spelt))
        if wanted is ABSENT:
            return config.without(self.host)
        if wanted in (self.wanted, KNOWN_AFTER_APPLY):
            return config.merge(self.host, self._entry(api))
        copy = api.kubernetes.read(Ref("v1", "Secret", copy_name(self.name), self.namespace))
        before = DockerConfig.parse(base64.b64decode(copy["data"][DATA_KEY])).entry(self.host)
        if before is None:
            raise Conflict(f"{copy_name(self.name)} does not have the credentials of {self.host}")
        return config.merge(self.host, before)

    def _expected(self, api: Any, change: Change, identity: str) -> State:
        raw = self._raw(api)
        if raw is None:
            raise Conflict(f"{self.address} is gone")
        drifted = change.drifted(self._shown(raw, api))
        if drifted or (identity and change.action == "delete" and raw["metadata"]["uid"] != identity):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted) or '/metadata/uid'}")
        return raw

    def _wait_until_unused(self, api: Any) -> None:
        """Give pods that are just being created a moment: after detaching, no new pod names the Secret."""
        deadline = time.monotonic() + _DETACH_SECONDS
        while time.monotonic() < deadline and self._starting(api):
            time.sleep(0.5)

    def _starting(self, api: Any) -> bool:
        pods = api.kubernetes.list(Ref("v1", "Pod", "", self.namespace), fields="status.phase=Pending")
        return any({"name": self.name} in (pod["spec"].get("imagePullSecrets") or []) for pod in pods)

    def settle(self, api: Any, change: Change, run_id: str, since: float) -> Written | None:
        """Look whether a write took effect; a Secret of the run whose key is lost is taken away, to be made again."""
        del since
        raw = self._raw(api)
        current = self._shown(raw, api) if raw else None
        if change.action == "create" and raw is not None:
            if (current or {}).get("annotations", {}).get(RUN_ANNOTATION) != run_id:
                raise Conflict(f"{self.address} exists now and is not from this run")
            return self._written(raw, api)
        if change.landed(current) and raw:
            return self._written(raw, api)
        if change.landed(current):
            return Written(None)
        if drifted := change.drifted(current):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted)}")
        return None

    def _written(self, raw: State, api: Any) -> Written:
        return Written(shown(raw, api.digest), raw["metadata"]["uid"])


def _encoded(config: DockerConfig) -> str:
    return base64.b64encode(config.render()).decode()


def copy_name(name: str) -> str:
    """Return the name of the Secret that keeps the credentials from before."""
    return f"{name}-before-runbook"
