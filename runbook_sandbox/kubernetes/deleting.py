"""Delete objects: preconditions, grace, finalizers and what becomes of the dependents."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from runbook_sandbox.kubernetes import problems
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone, now
from runbook_sandbox.kubernetes.protobuf import decode, is_protobuf
from runbook_sandbox.kubernetes.requests import Request
from runbook_sandbox.kubernetes.store import Store

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_POLICIES = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


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
    if dry_run not in ([], ["All"]):
        message = f'Unsupported value: {json.dumps(dry_run)}: supported values: "All"'
        raise problems.invalid(
            "DeleteOptions", "meta.k8s.io", "", [problems.cause("dryRun", message, "FieldValueNotSupported")]
        )
    grace = body.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
    policy = body.get("propagationPolicy") or request.query.get("propagationPolicy", "")
    if body.get("orphanDependents") or request.flag("orphanDependents"):
        policy = "Orphan"
    return DeleteOptions(None if grace is None else int(grace), policy, body.get("preconditions") or {}, bool(dry_run))


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    if is_protobuf(request.body):
        return decode(request.body)
    try:
        found = json.loads(request.body)
    except ValueError as error:
        raise problems.bad_request(f"json parse error: {error}") from error
    return found if isinstance(found, dict) else {}


def delete(store: Store, kind: Kind, obj: Object, how: DeleteOptions) -> tuple[Object, bool]:
    """Delete an object, or mark it when it has to wait; return it and whether it is gone.

    Raises:
        Problem: 409 when a precondition does not hold.
    """
    _check(kind, obj, how.preconditions)
    marked = _marked(kind, obj, how)
    gone = marked is None
    if not how.dry_run and gone:
        store.remove(kind.storage, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    elif not how.dry_run and marked is not None:
        marked = store.put(kind.storage, marked)
    return marked or obj, gone


def _check(kind: Kind, obj: Object, preconditions: dict[str, str]) -> None:
    found, name = obj["metadata"], obj["metadata"]["name"]
    uid, version = preconditions.get("uid"), preconditions.get("resourceVersion")
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


def _marked(kind: Kind, obj: Object, how: DeleteOptions) -> Object | None:
    """Return the object as it waits for its end, or None when it can go at once."""
    waits = _finalizers(kind, obj, how)
    grace = _grace(kind, obj, how)
    if not waits and not grace and not (kind.plural == "namespaces" and obj["spec"].get("finalizers")):
        return None
    found: Object = clone(obj)
    found["metadata"].setdefault("deletionTimestamp", now())
    found["metadata"]["deletionGracePeriodSeconds"] = grace
    if waits:
        found["metadata"]["finalizers"] = waits
    if "generation" in found["metadata"] and "deletionTimestamp" not in obj["metadata"]:
        found["metadata"]["generation"] += 1
    if kind.plural == "namespaces":
        del found["metadata"]["deletionGracePeriodSeconds"]
        found["status"] = {**found.get("status", {}), "phase": "Terminating"}
    return found


def _finalizers(kind: Kind, obj: Object, how: DeleteOptions) -> list[str]:
    # Jobs of batch/v1 keep their pods unless the client asks otherwise.
    policy = how.policy or ("Orphan" if kind.plural == "jobs" else "Background")
    present = [each for each in obj["metadata"].get("finalizers", ()) if each not in _POLICIES.values()]
    wanted = _POLICIES.get(policy)
    return [*present, wanted] if wanted else present


def _grace(kind: Kind, obj: Object, how: DeleteOptions) -> int:
    if kind.plural != "pods" or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    return how.grace if how.grace is not None else int(obj["spec"].get("terminationGracePeriodSeconds", 30))
