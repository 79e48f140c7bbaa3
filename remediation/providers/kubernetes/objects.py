"""Objects of a cluster: created, patched field by field, deleted, and put back."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from remediation.model import diffing
from remediation.model.api import Api
from remediation.model.arguments import is_run_id
from remediation.model.changes import Change, Intent, Seen, Written, was_unknown
from remediation.model.commands import command
from remediation.model.diffing import ABSENT, KNOWN_AFTER_APPLY, Edit, State
from remediation.model.errors import Conflict, LeftBehind, NotFound, Refused
from remediation.model.records import recorded
from remediation.model.refs import MANAGED_BY, Ref
from remediation.model.rights import Permission
from remediation.providers.kubernetes import managed_fields
from remediation.providers.kubernetes.declared import filled, images, may_make, sets
from remediation.providers.kubernetes.impact import impact_on
from remediation.providers.kubernetes.late_writes import Patched, repeatedly, unchanged
from remediation.providers.kubernetes.ownership import owner_of
from remediation.providers.kubernetes.removal import remove_object

RUN_ANNOTATION = "runbook/run"
ROW_ANNOTATION = "runbook/id"
_VOLATILE = ("resourceVersion", "uid", "managedFields", "generation", "creationTimestamp", "selfLink")
# The server counts template changes of a DaemonSet here; like metadata.generation it only ever grows.
_COUNTER = "deprecated.daemonset.template.generation"
# A value that stands for the moment, in seconds since 1970, after which what we create must not act any more.
AT_DEADLINE = "(15 minutes after apply)"
_DEADLINE_SECONDS = 900


def stable(document: State) -> State:
    """Return an object without what the server changes by itself: version, uid, timestamps, status."""
    metadata = {key: value for key, value in document.get("metadata", {}).items() if key not in _VOLATILE}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != _COUNTER}
    metadata.pop("annotations", None)
    return {key: value for key, value in document.items() if key not in ("metadata", "status")} | {
        "metadata": metadata | ({"annotations": annotations} if annotations else {})
    }


@recorded
@dataclass(frozen=True)
class KubernetesObject(Patched):
    """An object with at least the fields of ``manifest``; other fields and other people's list elements stay.

    Args:
        api_version, kind, name, namespace: its address.
        manifest: the fields we want, without apiVersion, kind and name.
        row: the catalogue row, stamped on what we create; pods: what people call the pods that it controls.
        instead: said beside the name of an owner who may revert.
        may: ``create`` allows to create and delete it; ``patch`` refuses an object that does not exist; ``new`` refuses
            one that does, for it is at work for another run.
    """

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    manifest: State = field(default_factory=dict)
    row: str = ""
    may: Literal["create", "patch", "new"] = "create"
    reason: str = "already as wanted"
    instead: str = ""
    pods: str = "pods"
    learnt: ClassVar[tuple[str, ...]] = ("manifest", "may", "reason", "row", "instead", "pods")
    bounds: ClassVar[tuple[str, ...]] = ("manifest", "may")

    @property
    def ref(self) -> Ref:
        """Where the object is."""
        return Ref(self.api_version, self.kind, self.name, self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get and patch this one object; create cannot be limited to a name."""
        named = [
            Permission(verb, self.ref.plural, self.ref.group, self.namespace, self.name) for verb in ("get", "patch")
        ]
        if self.may == "patch":
            return tuple(named)
        more = Permission("delete", self.ref.plural, self.ref.group, self.namespace, self.name)
        return (*named, more, Permission("create", self.ref.plural, self.ref.group, self.namespace))

    def owner(self, seen: Seen) -> str | None:
        """Return the controller that would revert a change."""
        return owner_of(seen.raw, self.instead)

    @property
    def programs(self) -> tuple[str, ...]:  # type: ignore[override] # most resources run none
        """The images of the manifest."""
        return tuple(images(self.manifest))

    def impact(self, change: Change, seen: Seen) -> str:
        """Say what a new pod template restarts, and which node takes no new pods."""
        return impact_on(self.ref, self.pods, change, seen.raw)

    def own(self, change: Change) -> Change:
        """Return the change with only the edits that the manifest makes."""
        ours = tuple(edit for edit in change.edits if not edit.path or sets(self.manifest, edit.path))
        return replace(change, edits=ours) if change.action == "update" else change

    def made_by(self, run_id: str, state: State) -> bool:
        """Tell whether the object is stamped with the run."""
        return is_made_by(run_id, state.get("metadata", {}).get("annotations"))

    def foreign(self, change: Change) -> list[str]:
        """Return the places of an update that the manifest does not set."""
        if change.action != "update":
            return []
        return [edit.pointer for edit in change.edits if self.may == "new" or not may_make(self.manifest, edit)]

    def plans(self, change: Change) -> bool:
        """Tell whether every edit, or the whole new object, is what the manifest makes of the state before."""
        wanted = self.desired(change.before)
        if change.action == "create":
            return change.after == wanted
        return all(diffing.equal(edit.new, diffing.get(wanted, edit.path)) for edit in change.edits)

    def says_the_same(self, other: Any) -> bool:
        """Compare what is wanted of the object."""
        return diffing.equal(self.manifest, other.manifest)

    def read(self, api: Api) -> State | None:
        """Return the object without volatile fields, None when it does not exist."""
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        """Return the object with its version, its uid and who has set which of its fields."""
        try:
            raw = api.kubernetes.read(self.ref)
        except NotFound:
            return Seen(None, api.kubernetes.now())
        return _seen(raw, api.kubernetes.now())

    def drifted(self, change: Change, seen: Seen) -> list[str]:
        """Return every field that is not as the change starts from it.

        What we created goes as long as all that we asked for is as we left it, and nobody has added content of his own.
        """
        if change.action != "delete" or seen.raw is None:
            return change.drifted(seen.state)
        asked, raw = self.desired(None), seen.raw
        return change.drifted(seen.state, lambda edit: _is_of_others(asked, raw, edit))

    def desired(self, current: State | None) -> State:
        """Return the present object with our fields set, or a new one with our stamp."""
        if current is not None and self.may == "new":
            raise self._left_behind(current)
        if current is not None:
            merged: State = diffing.merge(current, self.manifest)
            return merged
        if self.may == "patch":
            raise Refused(
                f"{self.address} does not exist",
                "this runbook only changes one that is there",
                command("kubectl", "get", self.kind.lower(), "-A"),
            )
        metadata = {"name": self.name} | ({"namespace": self.namespace} if self.namespace else {})
        stamp = {
            "labels": MANAGED_BY,
            "annotations": {RUN_ANNOTATION: KNOWN_AFTER_APPLY} | ({ROW_ANNOTATION: self.row} if self.row else {}),
        }
        new: State = diffing.merge(
            {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata | stamp}, self.manifest
        )
        return new

    def _left_behind(self, current: State) -> LeftBehind:
        said = current["metadata"].get("annotations", {}).get(RUN_ANNOTATION)
        run = said if is_run_id(said) else ""
        where = ("-n", self.namespace) if self.namespace else ()
        problem = LeftBehind(
            f"{self.address} exists already{f', and is from run {run}' if run else ''}",
            "a run that is still at work, or that was killed, needs it; nothing was changed",
            command("kubectl", *where, "get", self.kind.lower(), self.name, "-o", "yaml"),
        )
        problem.run_id = run
        return problem

    def preview(self, api: Api, change: Change) -> Change:
        """Send the same request with ``dryRun=All``: defaulting, admission and access control answer now."""
        if change.action == "create" and change.after is not None:
            api.kubernetes.create(self.ref, change.after, dry_run=True)
            return change
        current = api.kubernetes.read(self.ref)
        answer = api.kubernetes.patch(self.ref, diffing.json_patch(current, change.edits, change.after), dry_run=True)
        found = Change.between(change.address, change.before, stable(answer))
        return self._ours(change, found)

    def _ours(self, wanted: Change, answer: Change) -> Change:
        """Return the change as the server would make it, without what the server and its webhooks add on their own."""
        ours = self.own(answer).edits
        added = [edit.pointer for edit in answer.edits if edit not in ours]
        note = f"the API server changes more along with it, and may again on undo: {', '.join(added[:5])}"
        return replace(wanted, after=answer.after, edits=ours, note=note if added else wanted.note)

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Create, patch or delete, guarded; a conflict that leaves our fields alone is looked at again."""
        if change.action == "create":
            return _written(api.kubernetes.create(self.ref, self._body(api, change, run_id)))
        return repeatedly(
            lambda: self._expected(api, change, run_id, identity), lambda raw: self._once(api, change, raw)
        )

    def _body(self, api: Api, change: Change, run_id: str) -> State:
        """Return the object to create, with the values that are known only now."""
        later = {KNOWN_AFTER_APPLY: run_id, AT_DEADLINE: str(int(api.kubernetes.now()) + _DEADLINE_SECONDS)}
        body: State = filled(copy.deepcopy(change.after), later)
        return body

    def _expected(self, api: Api, change: Change, run_id: str, identity: str) -> State:
        """Return the raw object; raises Conflict unless it is the one that the change starts from."""
        try:
            current: State = api.kubernetes.read(self.ref)
        except NotFound as problem:
            raise Conflict(f"{self.address} is gone") from problem
        if change.action == "delete":  # only what a run has made is ever removed, and only by that run
            require_made_by(run_id, self.address, current["metadata"].get("annotations"))
        drifted = self.drifted(change, _seen(current, api.kubernetes.now()))
        if drifted or (identity and change.action == "delete" and current["metadata"]["uid"] != identity):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted) or 'metadata/uid'}")
        return current

    def _once(self, api: Api, change: Change, current: State) -> Written:
        if change.action == "delete":
            metadata = current["metadata"]
            remove_object(api, self.ref, metadata["uid"], metadata["resourceVersion"])
            return Written(None)
        operations = diffing.json_patch(current, change.edits, change.after)
        return _written(api.kubernetes.patch(self.ref, [unchanged(current), *operations]))

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether a write took effect: what we create carries the id of the run, what we patch has fields of ours."""
        try:
            raw = api.kubernetes.read(self.ref)
        except NotFound:
            raw = None
        current = stable(raw) if raw else None
        if change.action == "create" and raw is not None:
            require_made_by(run_id, self.address, raw["metadata"].get("annotations"))
            if not change.temporary and (theirs := _work_of_others(change, raw)):
                raise Conflict(f"{self.address} was changed at {', '.join(theirs[:5])}")
            return _written(raw)
        if change.landed(current):
            if raw is None:
                return Written(None)
            # The same value may be somebody else's: then it is not ours to undo.
            return _written(raw) if managed_fields.wrote(raw, change, intent) else None
        # What was marked for deletion differs by that mark from what was to be deleted.
        if change.action != "delete" and (drifted := change.drifted(current)):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted)}")
        return None


def is_made_by(run_id: str, annotations: State | None) -> bool:
    """Tell whether annotations are those of something that this run has made."""
    return (annotations or {}).get(RUN_ANNOTATION) == run_id


def require_made_by(run_id: str, address: str, annotations: State | None) -> None:
    """Raise Conflict for an object that exists where this run was to make one, and that another has made."""
    if not is_made_by(run_id, annotations):
        raise Conflict(f"{address} exists now and is not from this run")


def _is_of_others(asked: State, raw: State, edit: Edit) -> bool:
    """Tell whether a difference is no reason to keep what we created: we did not ask for the field, nor did a person."""
    if diffing.get(asked, edit.path) is not ABSENT:
        return was_unknown(edit)
    return managed_fields.is_bookkeeping(raw, edit.path, came_along=was_unknown(edit))


def _work_of_others(change: Change, raw: State) -> list[str]:
    """Return what is not as it was asked for, and was written by neither us nor the cluster itself."""
    edits = diffing.diff(change.after, stable(raw))
    return [item.pointer for item in edits if not managed_fields.is_bookkeeping(raw, item.path, came_along=True)]


def _seen(raw: State, server_time: float) -> Seen:
    metadata = raw["metadata"]
    return Seen(stable(raw), server_time, metadata.get("resourceVersion", ""), metadata.get("uid", ""), raw)


def _written(document: State) -> Written:
    return Written(stable(document), document.get("metadata", {}).get("uid", ""))
