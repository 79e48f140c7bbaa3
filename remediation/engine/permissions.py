"""What the caller needs to be allowed for a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remediation.model.api import Api
from remediation.model.commands import command
from remediation.model.errors import MissingPermission
from remediation.model.rights import Permission
from remediation.model.steps import Check, Resource

if TYPE_CHECKING:
    from remediation.engine.plan import Plan


def needed(plan: Plan) -> list[Permission]:
    """Return what the changes and the checks that must pass take; a check that need not is unknown without its rights."""
    needs: list[Resource | Check] = [item.resource for item in plan.operations if item.resource and item.change]
    needs += [ensure.check for ensure in plan.ensures if ensure.check.required]
    return sorted({right for item in needs for right in item.permissions})


def missing(plan: Plan, api: Api) -> list[Permission]:
    """Return what the caller lacks for a plan, the rights to lock what it changes among it."""
    scopes = sorted({item.resource.scope for item in plan.operations if item.resource})
    return list(api.missing(sorted({*needed(plan), *api.lock_rights(scopes)})))


def require_permissions(plan: Plan) -> None:
    """Refuse a plan that the caller may not carry out, naming every missing right."""
    if plan.missing:
        raise MissingPermission(
            "you may not: " + "; ".join(map(str, plan.missing)),
            "ask for the role that the command below prints; nothing was changed",
            command("runbook", "rbac", plan.book.name),
        )
