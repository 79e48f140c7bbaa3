"""A new key of a Google service account. The private part exists only in this process and in the Secret it is put into.

Source: https://cloud.google.com/iam/docs/keys-create-delete
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from remediation import (
    Api,
    Change,
    Conflict,
    Intent,
    Invalid,
    Permission,
    Refused,
    ResourceDefaults,
    Secret,
    Seen,
    State,
    Written,
    advice,
    command,
    recorded,
)
from remediation import ServiceAccountKey as KeyFile

LIMIT = 10
_DISABLED = "iam.disableServiceAccountKeyCreation"
# A key that was made for us was made in this time around the moment when the run began to make it, by Google's clock:
# it tells whole seconds, and a request that is not answered is given up and repeated for more than a minute.
_BEFORE, _AFTER = 5.0, 90.0


def material_name(email: str) -> str:
    """Return the name under which the process keeps the private part."""
    return f"key/{email}"


@recorded
@dataclass(frozen=True)
class ServiceAccountKey(ResourceDefaults):
    """A key that the run creates. Its name is the identity of what was written: only that key is undone.

    Args:
        email: the service account.
        known: names of the user-managed keys that existed when the plan was made; none of these can be ours.
    """

    email: str
    known: tuple[str, ...] = ()
    # Its value dies with the process: after any failure it is undone, after a crash it is made again.
    ephemeral: ClassVar[bool] = True
    learnt: ClassVar[tuple[str, ...]] = ("known",)

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

    def read(self, api: Api) -> State | None:
        """Return whether there is a key that the plan did not see. Which one is ours, only its name tells."""
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        """Return whether there is a key that the plan did not see, with the ids of all that there are."""
        keys = [key["name"] for key in api.google.keys(self.email)]
        state = self._state if any(name not in self.known for name in keys) else None
        return Seen(state, api.google.now(), " ".join(sorted(name.rpartition("/")[2] for name in keys)))

    def drifted(self, change: Change, seen: Seen) -> list[str]:
        """Return nothing: keys of others are in nobody's way."""
        del change, seen
        return []

    @property
    def _state(self) -> State:
        return {"account": self.email}

    def _new(self, api: Api) -> list[State]:
        return [key for key in api.google.keys(self.email) if key["name"] not in self.known]

    def desired(self, current: State | None) -> State:
        """Return a key; Google chooses its name."""
        return current or self._state

    def preview(self, api: Api, change: Change) -> Change:
        """Creating a key has no dry run; the plan says so."""
        del api
        return replace(change, note="a long-lived key; prefer to grant the node's own account access to the registry")

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Create the key and keep its private part in memory; or disable, then delete the one that was made."""
        del run_id
        if change.action == "delete":
            return self._delete(api, identity)
        return self._create(api)

    def _delete(self, api: Api, name: str) -> Written:
        if name in self.known or not name.rpartition("/keys/")[0].endswith(f"/serviceAccounts/{self.email}"):
            raise Conflict(f"{name} is no key that this run has made for {self.email}")
        ours = self._known_here(api, name)
        api.google.disable_key(name, ours=ours)
        api.google.delete_key(name, ours=ours)
        return Written(None)

    def _known_here(self, api: Api, name: str) -> bool:
        """Tell whether this process has the private part: then nobody else can use the key, and it must not stay."""
        return api.material.has(material_name(self.email)) and name.endswith(f"/{self._made_here(api)}")

    def _made_here(self, api: Api) -> str:
        return KeyFile.parse(api.material.get(material_name(self.email))).private_key_id

    def _create(self, api: Api) -> Written:
        if len(api.google.keys(self.email)) >= LIMIT:
            raise Refused(
                f"{self.email} has {LIMIT} keys, which is the limit",
                "nothing was changed",
                command("gcloud", "iam", "service-accounts", "keys", "list", f"--iam-account={self.email}"),
            )
        try:
            name, private = api.google.create_key(self.email)
        except Invalid as problem:
            raise Refused(
                f"Google does not create a key for {self.email}: {problem.summary}",
                "an organisation policy may forbid keys" if _DISABLED in problem.summary else "",
                advice("grant the node's account access to the registry instead"),
            ) from problem
        api.material.keep(material_name(self.email), Secret(private))
        return Written(self._state, name)

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Remove a key whose private part was lost with the answer, so that a new one can be made.

        Raises:
            Conflict: several keys may be the one; none is touched.
        """
        del run_id
        if change.action == "delete":
            return None  # deleting the same key again does no harm
        ours = self._ours(api, intent)
        if len(ours) > 1:
            raise Conflict(f"{self.email} has {len(ours)} new keys and only one can be of this run: {', '.join(ours)}")
        for name in ours:
            if api.material.has(material_name(self.email)):
                return Written(self._state, name)
            self._delete(api, name)
        return None

    def _ours(self, api: Api, intent: Intent) -> list[str]:
        """Return the names of the keys that can be ours; when this process has the private part, there is no doubt."""
        new = self._new(api)
        if api.material.has(material_name(self.email)):
            return [key["name"] for key in new if self._known_here(api, key["name"])]
        first, last = intent.server_time - _BEFORE, intent.server_time + _AFTER
        before = intent.version.split()
        return [
            key["name"]
            for key in new
            if first <= key["created"] <= last and key["name"].rpartition("/")[2] not in before
        ]
