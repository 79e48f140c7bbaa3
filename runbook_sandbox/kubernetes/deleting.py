"""Delete objects: preconditions, grace, finalizers and what becomes of the dependents."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from runbook_sandbox.kubernetes import options as options_of_query
from runbook_sandbox.kubernetes import problems
from runbook_sandbox.kubernetes.bodies import SCHEME, TYPE_META
from runbook_sandbox.kubernetes.custom_kinds import CLEANUP, DEFINITIONS
from runbook_sandbox.kubernetes.decoding import WrongType, decoded
from runbook_sandbox.kubernetes.go_json import complaint
from runbook_sandbox.kubernetes.go_json import kind as kind_of
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone, name_of, now
from runbook_sandbox.kubernetes.protobuf import decode, is_protobuf
from runbook_sandbox.kubernetes.requests import Request
from runbook_sandbox.kubernetes.store import Store

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
# Jobs of batch/v1 and replication controllers keep their pods unless the client asks otherwise.
_ORPHANING = frozenset({"jobs", "replicationcontrollers"})
_POLICIES = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


_OPTIONS = Kind("", "v1", "", "DeleteOptions", type="meta.v1.DeleteOptions")


@dataclass(frozen=True)
class DeleteOptions:
    """How to delete: `grace` in seconds, `policy` one of Background, Foreground, Orphan."""

    grace: int | None = None
    policy: str = ""
    preconditions: dict[str, str] = field(default_factory=dict)
    dry_run: bool = False


def options(request: Request) -> DeleteOptions:
    """Return the options of a request's query and body; raises Problem (422) for an unknown dry run."""
    body = _body(request)
    dry_run = body.get("dryRun") or ([request.query["dryRun"]] if request.query.get("dryRun") else [])
    policy = body.get("propagationPolicy") or request.query.get("propagationPolicy", "")
    orphans = bool(body.get("orphanDependents")) or request.flag("orphanDependents")
    _refuse(dry_run, policy, orphans=orphans)
    grace = body.get("gracePeriodSeconds", options_of_query.integer(request, "gracePeriodSeconds"))
    return DeleteOptions(grace, "Orphan" if orphans else policy, body.get("preconditions") or {}, bool(dry_run))


def _refuse(dry_run: list[str], policy: str, *, orphans: bool) -> None:
    causes = []
    if policy and orphans:
        why = "orphanDependents and deletionPropagation cannot be both set"
        causes.append(problems.cause("propagationPolicy", f'Invalid value: "{policy}": {why}'))
    elif policy not in {"", "Foreground", "Background", "Orphan"}:
        message = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        causes.append(problems.cause("propagationPolicy", message, "FieldValueNotSupported"))
    if dry_run not in ([], ["All"]):
        message = f'Unsupported value: {json.dumps(dry_run)}: supported values: "All"'
        causes.append(problems.cause("dryRun", message, "FieldValueNotSupported"))
    if causes:
        raise problems.invalid("DeleteOptions", "meta.k8s.io", "", causes)


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    if is_protobuf(request.body):
        return decode(request.body)
    try:
        found = json.loads(request.body)
    except ValueError as error:
        why = complaint(request.body, error)
        raise problems.bad_request(f"couldn't get version/kind; json parse error: {why}") from error
    if not isinstance(found, dict):
        why = f"json: cannot unmarshal {kind_of(found)} into Go value of type {TYPE_META}"
        raise problems.bad_request(f"couldn't get version/kind; json parse error: {why}")
    if found.get("kind", _OPTIONS.name) != _OPTIONS.name:
        name, version = found["kind"], found.get("apiVersion")
        raise problems.bad_request(f'no kind "{name}" is registered for version "{version}" {SCHEME}')
    try:
        return decoded(_OPTIONS, found)
    except WrongType as error:
        raise problems.bad_request(str(error)) from error


def delete(store: Store, kind: Kind, obj: Object, how: DeleteOptions) -> tuple[Object, bool]:
    """Delete an object, or mark it when it has to wait; return it and whether it is gone.

    Raises:
        Problem: 409 when a precondition does not hold.
    """
    _check(kind, obj, how.preconditions)
    going, gone = _going(kind, obj, how)
    if how.dry_run:
        return going, gone
    if not gone:
        return store.put(kind.storage, going), gone
    removed = store.remove(kind.storage, *name_of(obj)) or obj
    version = removed["metadata"]["resourceVersion"]
    return {**going, "metadata": {**going["metadata"], "resourceVersion": version}}, gone


def _check_namespace(kind: Kind, obj: Object, uid: str | None, version: str | None) -> None:
    """Check as the storage does, for a namespace is marked there before anything else is looked at."""
    found = obj["metadata"]
    for what, wanted, present in (("UID", uid, found["uid"]), ("ResourceVersion", version, found["resourceVersion"])):
        if wanted and wanted != present:
            why = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {present}"
            raise problems.conflict(kind, found["name"], why)


def _check(kind: Kind, obj: Object, preconditions: dict[str, str]) -> None:
    found, name = obj["metadata"], obj["metadata"]["name"]
    uid, version = preconditions.get("uid"), preconditions.get("resourceVersion")
    if kind.plural == "namespaces":
        _check_namespace(kind, obj, uid, version)
    if uid and uid != found["uid"]:
        raise problems.precondition_failed(
            kind,
            name,
            (
                f"the UID in the precondition ({uid}) does not match the UID in record ({found['uid']}). The object might"
                " have been deleted and then recreated"
            ),
        )
    if version and version != found["resourceVersion"]:
        raise problems.precondition_failed(
            kind,
            name,
            (
                f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record"
                f" ({found['resourceVersion']}). The object might have been modified"
            ),
        )


def _going(kind: Kind, obj: Object, how: DeleteOptions) -> tuple[Object, bool]:
    """Return the object as it waits for its end, and whether nothing keeps it."""
    waits = _finalizers(kind, obj, how)
    grace = _grace(kind, obj, how)
    gone = not waits and not grace and not (kind.plural == "namespaces" and obj["spec"].get("finalizers"))
    if gone and kind.plural != "pods":
        return obj, gone
    found: Object = clone(obj)
    metadata = found["metadata"]
    before = metadata.get("deletionGracePeriodSeconds")
    if before is None or grace < before:
        metadata |= {"deletionTimestamp": now(grace), "deletionGracePeriodSeconds": grace}
    if waits:
        metadata["finalizers"] = waits
    counts = "generation" in metadata and kind.storage != DEFINITIONS
    if counts and "deletionTimestamp" not in obj["metadata"]:
        metadata["generation"] += 1
    if kind.storage == DEFINITIONS:
        del metadata["deletionGracePeriodSeconds"]
    if kind.plural == "namespaces":
        del metadata["deletionGracePeriodSeconds"]
        metadata["deletionTimestamp"] = obj["metadata"].get("deletionTimestamp", metadata["deletionTimestamp"])
        found["status"] = {**found.get("status", {}), "phase": "Terminating"}
    return found, gone


def _finalizers(kind: Kind, obj: Object, how: DeleteOptions) -> list[str]:
    if kind.storage == DEFINITIONS:
        return [*{*obj["metadata"].get("finalizers", ()), CLEANUP}]
    policy = how.policy or ("Orphan" if kind.plural in _ORPHANING else "Background")
    present = [each for each in obj["metadata"].get("finalizers", ()) if each not in _POLICIES.values()]
    wanted = _POLICIES.get(policy)
    return [*present, wanted] if wanted else present


def _grace(kind: Kind, obj: Object, how: DeleteOptions) -> int:
    if kind.plural != "pods" or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    return how.grace if how.grace is not None else int(obj["spec"].get("terminationGracePeriodSeconds", 30))
