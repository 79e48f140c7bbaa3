"""Whether a target is the one that a run was made on."""

from __future__ import annotations

from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.commands import command, repeat
from remediation.model.errors import Refused
from remediation.model.targets import Target

UNREAD = "this identity may not read namespace kube-system, so the cluster was known by its address only"


def require_same_target(run: Run, target: Target, api: Api, *, by_address: bool = True) -> str:
    """Refuse another target than the run's; return what could not be looked at, empty when all could.

    A cluster is known by the uid of its namespace kube-system: one cluster has many addresses, and an address can come
    to belong to another one. Records of earlier versions know only the address.

    Args:
        run: as it was recorded.
        target: what the verb is about to act on.
        api: its clients.
        by_address: whether the address tells anything where the uid is not known.
    """
    _require_same_project(run, target)
    recorded = run.created.get("target_uid")
    present = api.target_uid() if recorded else ""
    if recorded and present:
        if recorded != present:
            raise _another(run, target, f"on cluster {recorded:.8}, and this is cluster {present:.8}")
        return ""
    address = run.created["target"].get("server")
    if by_address and address and address != target.server:
        raise _another(run, target, f"on {address}, and this context is {target.server}")
    return UNREAD if recorded else ""


def _require_same_project(run: Run, target: Target) -> None:
    recorded = run.created["target"].get("project")
    if run.target_kind.kind == "project" and recorded != target.project:
        raise Refused(
            f"run {run.id} was made on project {recorded}, and this is {target.project}",
            "nothing was changed",
            repeat("--project", str(recorded)),
        )


def _another(run: Run, target: Target, where: str) -> Refused:
    context = run.created["target"].get("context")
    return Refused(
        f"run {run.id} was made {where}",
        f"nothing was changed; --context {target.context} leads elsewhere now"
        if target.context == context
        else "nothing was changed",
        command("kubectl", "config", "get-contexts")
        if target.context == context
        else repeat("--context", str(context)),
    )
