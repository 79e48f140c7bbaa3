"""Delete an object and see it go: with a finalizer of somebody else's it is only marked, and stays until that one lets go.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
"""

from __future__ import annotations

import time

from remediation.model.api import Api
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import Lingering, NotFound
from remediation.model.refs import Ref
from remediation.providers.kubernetes.managed_fields import managers_of

_SECONDS, _ROUND_SECONDS = 10.0, 0.5


def remove_object(api: Api, ref: Ref, uid: str, version: str = "") -> None:
    """Delete exactly the object with this uid and version, and wait until it is gone.

    Raises:
        Lingering: it is marked for deletion, and still there.
        Conflict: there is another object, or another version of it.
    """
    left: State | None = api.kubernetes.delete(ref, uid, version)
    if not (left or {}).get("metadata", {}).get("deletionTimestamp"):
        return
    deadline = time.monotonic() + _SECONDS
    api.patience.say(f"{ref.address} is marked for deletion: waiting up to {_SECONDS:.0f} s until it is gone")
    while left := _there(api, ref, uid):
        if time.monotonic() >= deadline:
            raise _lingering(ref, left)
        api.stop.wait(_ROUND_SECONDS)


def _there(api: Api, ref: Ref, uid: str) -> State | None:
    try:
        found: State = api.kubernetes.read(ref)
    except NotFound:
        return None
    return found if found["metadata"]["uid"] == uid else None


def _lingering(ref: Ref, raw: State) -> Lingering:
    keep = raw["metadata"].get("finalizers") or []
    by = sorted(managers_of(raw, ("metadata", "finalizers")))
    why = f"finalizer {', '.join(keep)} keeps it" if keep else "nobody tells why"
    who = f"finalizers of {ref.address} were set by {', '.join(by)}; " if keep and by else ""
    space = ("-n", ref.namespace) if ref.namespace else ()
    see = command("kubectl", *space, "get", ref.kind.lower(), ref.name, "-o", "yaml")
    return Lingering(
        f"{ref.address} is marked for deletion and still there after {_SECONDS:.0f} s: {why}",
        f"{who}it goes when whoever needs it lets go: {see}",
    )
