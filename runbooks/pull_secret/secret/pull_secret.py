"""Registry credentials in a Secret: one registry's entry is ours, the others stay; values are never shown.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
"""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass
from typing import Any, ClassVar

from remediation import (
    ABSENT,
    KNOWN_AFTER_APPLY,
    MANAGED_BY,
    ROW_ANNOTATION,
    RUN_ANNOTATION,
    Api,
    Change,
    Conflict,
    Facts,
    Intent,
    NotFound,
    Patched,
    Permission,
    Ref,
    Refused,
    Seen,
    ServiceAccountKey,
    StalePlan,
    State,
    Written,
    advice,
    guarded_patch,
    is_made_by,
    owner_of,
    recorded,
    remove_object,
    repeatedly,
    require_made_by,
)

from ..credentials import file_key, fingerprint
from ..service_account_key import material_name
from .docker_config import DockerConfig, Entry, docker_config_entry, same_registry
from .shown import ACCOUNT_ANNOTATION, DATA_KEY, HOST_ANNOTATION, KEY_ANNOTATION, NOTES, TYPE, copy_name, shown
from .users import Elsewhere, wait_until_unused


@recorded
@dataclass(frozen=True)
class PullSecret(Patched):
    """A ``dockerconfigjson`` Secret that has the credentials of one registry.

    Args:
        namespace, name: the Secret.
        host: the registry whose entry we want.
        source: ``file:PATH`` or ``key:EMAIL``; where the credentials come from, never what they are.
        wanted: the fingerprint of the credentials, or KNOWN_AFTER_APPLY.
        account, key_id: whose credentials they are; noted on the Secret.
        service_account: who gets the Secret; while anybody else uses it, it is not deleted.
        row: the catalogue row, stamped on what we create.
    """

    namespace: str
    name: str
    host: str
    source: str
    wanted: str = KNOWN_AFTER_APPLY
    reason: str = "the credentials are there already"
    account: str = ""
    key_id: str = KNOWN_AFTER_APPLY
    service_account: str = ""
    row: str = ""
    learnt: ClassVar[tuple[str, ...]] = ("wanted", "account", "key_id", "reason", "row")

    @property
    def ref(self) -> Ref:
        """Where the Secret is."""
        return Ref("v1", "Secret", self.name, self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """This one Secret; create cannot be limited to a name; who uses it is listed before it is deleted."""
        named = tuple(Permission(verb, "secrets", "", self.namespace, self.name) for verb in ("get", "patch", "delete"))
        return (*named, Permission("create", "secrets", "", self.namespace), *self._elsewhere.permissions)

    @property
    def _elsewhere(self) -> Elsewhere:
        return Elsewhere(self.namespace, self.name, self.service_account)

    def foreign(self, change: Change) -> list[str]:
        """Return the places of an update other than our registry's entry and the notes on it."""
        return (
            [] if change.action != "update" else [edit.pointer for edit in change.edits if not self._sets(*edit.path)]
        )

    def _sets(self, *path: str) -> bool:
        ours = {"registries": lambda host: same_registry(host, self.host), "annotations": NOTES.__contains__}
        return len(path) == 2 and path[0] in ours and bool(ours[path[0]](path[1]))

    def owner(self, seen: Seen) -> str | None:
        """Return the controller that would revert a change."""
        return (seen.state or {}).get("owner")

    def _raw(self, api: Api) -> State | None:
        try:
            found: State = api.kubernetes.read(self.ref)
        except NotFound:
            return None
        if found.get("type") != TYPE:
            raise self._refused(f"exists with type {found.get('type')!r}; a Secret's type cannot be changed")
        return found

    def _refused(self, why: str) -> Refused:
        return Refused(f"{self.address} {why}", "nothing was changed", advice("choose another name with --secret NAME"))

    def made_by(self, run_id: str, state: State) -> bool:
        """Tell whether the Secret is stamped with the run."""
        return is_made_by(run_id, state.get("annotations"))

    def read(self, api: Api) -> State | None:
        """Return the Secret without credentials, None when it does not exist; raises Refused for another type."""
        return self._shown(raw, api) if (raw := self._raw(api)) else None

    def _shown(self, raw: State, api: Api) -> State:
        try:
            state = shown(raw, api.digest)
        except ValueError as problem:
            raise self._refused(f"does not hold a valid docker configuration: {problem}") from None
        more = {"owner": owner_of(raw), "immutable": raw.get("immutable")}
        return state | {key: value for key, value in more.items() if value}

    def desired(self, current: State | None) -> State:
        """Return the Secret with our registry's entry; raises Refused for one that cannot be changed."""
        if current is None:
            stamp = {RUN_ANNOTATION: KNOWN_AFTER_APPLY} | ({ROW_ANNOTATION: self.row} if self.row else {})
            return {"type": TYPE, "registries": {self.host: self.wanted}, "annotations": stamp | self._notes(self.host)}
        spelt = next((host for host in current["registries"] if same_registry(host, self.host)), self.host)
        if current["registries"].get(spelt) == self.wanted:
            return current
        if current.get("immutable"):
            raise self._refused("is immutable, so it cannot get other credentials")
        wanted = {**current, "registries": current["registries"] | {spelt: self.wanted}}
        notes = current.get("annotations", {})
        # The notes tell of one entry; when that one is replaced they would be wrong.
        return wanted | ({"annotations": notes | self._notes(spelt)} if notes.get(HOST_ANNOTATION) == spelt else {})

    def _notes(self, spelt: str) -> State:
        return {ACCOUNT_ANNOTATION: self.account, KEY_ANNOTATION: self.key_id, HOST_ANNOTATION: spelt}

    def preview(self, api: Api, change: Change) -> Change:
        """Send a create with empty credentials and ``dryRun=All``; a change of the data needs no server to be judged."""
        if change.action == "create":
            api.kubernetes.create(self.ref, self._body(DockerConfig(), {RUN_ANNOTATION: "preview"}), dry_run=True)
        return change

    def _body(self, config: DockerConfig, annotations: State) -> State:
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": dict(MANAGED_BY),
            "annotations": annotations,
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE,
            "metadata": metadata,
            "data": {DATA_KEY: base64.b64encode(config.render()).decode()},
        }

    def _key(self, api: Api) -> ServiceAccountKey:
        kind, _, where = self.source.partition(":")
        if kind == "file":
            return file_key(api.material, where)
        return ServiceAccountKey.parse(api.material.get(material_name(where)))

    def _entry(self, api: Api) -> Entry:
        """Return the credentials; raises StalePlan when they are not those of the plan."""
        entry = docker_config_entry(self.host, self._key(api))
        if self.wanted not in (KNOWN_AFTER_APPLY, fingerprint(self.host, entry, api.digest)):
            raise StalePlan(
                f"{self.source.partition(':')[2]} does not hold the key that the plan was made for",
                "the credentials in the cluster were not changed",
                advice("make a new plan"),
            )
        return entry

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Create the Secret, or change only our registry's entry, or delete exactly the Secret that the run made."""
        if change.action == "create":
            config = DockerConfig().merge(self.host, self._entry(api))
            stamp = {**change.after["annotations"], RUN_ANNOTATION: run_id} if change.after else {}
            notes = {key: self._known(api, value) for key, value in stamp.items()}
            return self._written(api.kubernetes.create(self.ref, self._body(config, notes)), api)
        return repeatedly(
            lambda: self._expected(api, change, run_id, identity), lambda raw: self._once(api, change, raw)
        )

    def _known(self, api: Api, note: str) -> str:
        """Return a note; the one that the plan could not know is the id of the key."""
        return self._key(api).private_key_id if note == KNOWN_AFTER_APPLY else note

    def _once(self, api: Api, change: Change, raw: State) -> Written:
        if change.action == "delete":
            wait_until_unused(api, self.ref)
            remove_object(api, self.ref, raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])
            return Written(None)
        text = self._edited(api, DockerConfig.parse(base64.b64decode(raw["data"][DATA_KEY])), change)
        wanted = copy.deepcopy(raw)
        wanted["data"][DATA_KEY] = base64.b64encode(text).decode()
        for edit in change.edits:
            if edit.path[0] == "annotations":
                self._note(api, wanted["metadata"], edit.path[1], edit.new)
        return self._written(api.kubernetes.patch(self.ref, guarded_patch(raw, wanted)), api)

    def _note(self, api: Api, metadata: State, name: str, wanted: Any) -> None:
        if wanted is not ABSENT:
            metadata.setdefault("annotations", {})[name] = self._known(api, wanted)
        elif metadata.get("annotations"):
            metadata["annotations"].pop(name, None)

    def _edited(self, api: Api, config: DockerConfig, change: Change) -> bytes:
        """Return the configuration with our entry set, removed, or restored from the copy that the run made."""
        wanted = _wanted_entry(change)
        if wanted is ABSENT:
            return config.without(self.host).render()
        if wanted in (self.wanted, KNOWN_AFTER_APPLY):
            return config.merge(self.host, self._entry(api)).render()
        copy = api.kubernetes.read(Ref("v1", "Secret", copy_name(self.name), self.namespace))
        text = base64.b64decode(copy["data"][DATA_KEY])
        before = DockerConfig.parse(text).entry(self.host)
        if before is None:
            raise Conflict(f"{copy_name(self.name)} does not have the credentials of {self.host}")
        restored = config.merge(self.host, before)
        # As it was, to the byte, unless somebody has changed another entry since.
        return text if restored == DockerConfig.parse(text) else restored.render()

    def _expected(self, api: Api, change: Change, run_id: str, identity: str) -> State:
        """Return the raw Secret; raises Conflict unless it is the one that the change starts from, and may go if it goes."""
        raw = self._raw(api)
        if raw is None:
            raise Conflict(f"{self.address} is gone")
        if change.action == "delete":
            require_made_by(run_id, self.address, raw["metadata"].get("annotations"))
        drifted = change.drifted(self._shown(raw, api))
        if drifted or (identity and change.action == "delete" and raw["metadata"]["uid"] != identity):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted) or '/metadata/uid'}")
        # A run of an earlier version did not note whose Secret it is.
        others = Facts(api)(self._elsewhere) if change.action == "delete" and self.service_account else ()
        if others:
            raise Conflict(f"it is used by {', '.join(others[:3])} too")
        return raw

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether a write took effect: what we create carries the id of the run, an entry of ours is known."""
        del intent
        raw = self._raw(api)
        current = self._shown(raw, api) if raw else None
        if change.action == "create" and raw is not None:
            require_made_by(run_id, self.address, raw["metadata"].get("annotations"))
            return self._written(raw, api)
        if change.landed(current) and (raw is None or self._is_ours(api, raw, change)):
            return self._written(raw, api) if raw else Written(None)
        if drifted := change.drifted(current):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted)}")
        return None

    def _is_ours(self, api: Api, raw: State, change: Change) -> bool:
        """Tell whether an entry that the plan could not know is the one we wanted, and not somebody else's."""
        if change.action != "update" or _wanted_entry(change) != KNOWN_AFTER_APPLY:
            return True
        entry = DockerConfig.parse(base64.b64decode(raw["data"][DATA_KEY])).entry(self.host) or Entry()
        account = self.source.partition(":")[2]
        if not api.material.has(material_name(account)):
            return bool(entry.get("email") == account)  # the process that knew the key is gone
        ours = self._entry(api)
        return fingerprint(self.host, entry, api.digest) == fingerprint(self.host, ours, api.digest)

    def _written(self, raw: State, api: Api) -> Written:
        return Written(self._shown(raw, api), raw["metadata"]["uid"])


def _wanted_entry(change: Change) -> Any:
    """Return what an update makes of the credentials: their fingerprint, or ABSENT."""
    return next(edit.new for edit in change.edits if edit.path[0] == "registries")
