"""A new key of a Google service account. The private part exists only in this process and in the Secret it is put into.

Source: https://cloud.google.com/iam/docs/keys-create-delete
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from remediation.changes import Change, Written
from remediation.diffing import KNOWN_AFTER_APPLY, State
from remediation.errors import Conflict, Invalid, Refused
from remediation.model import Permission
from remediation.records import recorded
from remediation.registry import Secret

LIMIT = 10
_DISABLED = "iam.disableServiceAccountKeyCreation"


def material_name(email: str) -> str:
    """Return the name under which the process keeps the private part."""
    return f"key/{email}"


@recorded
@dataclass(frozen=True)
class ServiceAccountKey:
    """A key that the run creates.

    Args:
        email: the service account.
        known: names of the user-managed keys that existed when the plan was made; a key that is not among them after
            a crash is ours, because the run holds the account's lock.
    """

    email: str
    known: tuple[str, ...] = ()
    # Its value dies with the process: after any failure it is undone, after a crash it is made again.
    ephemeral: ClassVar[bool] = True

    @property
    def address(self) -> str:
        """``serviceaccountkey/EMAIL``."""
        return f"serviceaccountkey/{self.email}"

    @property
    def scope(self) -> str:
        """The account."""
        return f"serviceaccount/{self.email}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List, create, disable and delete keys."""
        return tuple(
            Permission.google(f"iam.serviceAccountKeys.{verb}") for verb in ("create", "delete", "disable", "list")
        )

    def read(self, api: Any) -> State | None:
        """Return the key of this run that exists, None when there is none."""
        ours = self._ours(api)
        return {"account": self.email, "name": ours[0]} if ours else None

    def _ours(self, api: Any) -> list[str]:
        # The oldest first: ours was made while the run held the lock, somebody else's came later.
        new = [key for key in api.google.keys(self.email) if key["name"] not in self.known]
        return [key["name"] for key in sorted(new, key=lambda key: key["created"])]

    def desired(self, current: State | None) -> State:
        """Return a key whose name Google chooses."""
        return current or {"account": self.email, "name": KNOWN_AFTER_APPLY}

    def preview(self, api: Any, change: Change) -> Change:
        """Creating a key has no dry run; the plan says so."""
        del api
        return Change(
            change.address,
            change.before,
            change.after,
            change.edits,
            note="a long-lived key; prefer to grant the node's own account access to the registry",
        )

    def write(self, api: Any, change: Change, run_id: str, identity: str = "") -> Written:
        """Create the key and keep its private part in memory; or disable, then delete it."""
        del run_id
        if change.action == "delete":
            name = identity or (change.before or {})["name"]
            api.google.disable_key(name)
            api.google.delete_key(name)
            return Written(None)
        return self._create(api)

    def _create(self, api: Any) -> Written:
        if len(api.google.keys(self.email)) >= LIMIT:
            raise Refused(
                f"{self.email} has {LIMIT} keys, which is the limit",
                "nothing was changed",
                f"gcloud iam service-accounts keys list --iam-account={self.email}",
            )
        try:
            name, private = api.google.create_key(self.email)
        except Invalid as problem:
            raise Refused(
                f"Google does not create a key for {self.email}: {problem.summary}",
                "an organisation policy may forbid keys" if _DISABLED in problem.summary else "",
                "grant the node's account access to the registry instead",
            ) from problem
        api.material.keep(material_name(self.email), Secret(private))
        return Written({"account": self.email, "name": name}, name)

    def settle(self, api: Any, change: Change, run_id: str, since: float) -> Written | None:
        """Remove a key whose private part was lost with the answer, so that a new one can be made; raises Conflict when unsure."""
        del run_id, since
        ours = self._ours(api)
        if change.action == "delete":
            return None if (change.before or {})["name"] in ours else Written(None)
        if len(ours) > 1:
            raise Conflict(f"{self.email} has {len(ours)} new keys and only one can be of this run: {', '.join(ours)}")
        for name in ours:
            if api.material.has(material_name(self.email)):
                return Written({"account": self.email, "name": name}, name)
            api.google.disable_key(name)
            api.google.delete_key(name)
        return None
