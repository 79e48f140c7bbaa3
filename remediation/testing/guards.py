"""Who may do what in the embedded world: what a right covers, what was asked, and one right taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from remediation.model.rights import Permission
from remediation.testing.worlds import EmulatedWorld
from runbook_sandbox.kubernetes.rbac import Attributes

# Everybody may ask these, without any role.
_FREE = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")


def covers(right: Permission, asked: Permission) -> bool:
    """Tell whether a right allows what was asked for."""
    if right.group == "google":  # which of the projects it is in, a custom role does not say
        return right.resource == asked.resource
    same = (right.verb, right.group, right.resource) == (asked.verb, asked.group, asked.resource)
    return same and right.namespace in ("", asked.namespace) and right.name in ("", asked.name)


@contextmanager
def guarded(world: EmulatedWorld, lets: Callable[[Permission], bool]) -> Iterator[None]:
    """Let requests pass for as long as the body runs only if this allows what they ask for."""

    def cluster(asked: Attributes) -> bool:
        wanted = Permission(asked.verb, asked.full_resource, asked.group, asked.namespace, asked.name)
        return asked.resource in _FREE or lets(wanted)

    world.cluster.guard, world.cloud.guard = cluster, lambda permission, _: lets(Permission.google(permission))
    try:
        yield
    finally:
        world.cluster.guard = world.cloud.guard = None


def without(right: Permission) -> Callable[[Permission], bool]:
    """Return what allows everything but a right."""
    return lambda asked: not covers(right, asked)
