"""IAM policies with etags and versions, as Google's read-modify-write works.

Source: https://cloud.google.com/iam/docs/policies#versions and
https://cloud.google.com/iam/docs/allow-policies#etag
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import Any

from runbook_sandbox.google.faults import GoogleError, invalid
from runbook_sandbox.google.members import check_bindings

Policy = dict[str, Any]
_RACED = "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."


def new_etag() -> str:
    """Return an etag in canonical base64; anything else does not survive a round trip through the clients."""
    return base64.b64encode(os.urandom(9)).decode()


def new_policy(bindings: list[dict[str, Any]] | None = None) -> Policy:
    """Return a policy with an etag."""
    return {"version": 1, "etag": new_etag(), "bindings": bindings or []}


def conditional(policy: Policy) -> bool:
    """Tell whether any binding has a condition, which takes version 3."""
    return any(binding.get("condition") for binding in policy.get("bindings", []))


def _without_condition(binding: dict[str, Any]) -> dict[str, Any]:
    condition = binding.get("condition")
    if not condition:
        return copy.deepcopy(binding)
    digest = hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()[:20]
    return {"role": f"{binding['role']}_withcond_{digest}", "members": list(binding["members"])}


def _decoded(etag: Any) -> bytes:
    """Return the bytes of an etag: gcloud sends them in the alphabet for URLs, others in the usual one."""
    try:
        return base64.urlsafe_b64decode(str(etag).replace("+", "-").replace("/", "_"))
    except ValueError:
        raise invalid(f"Invalid value at 'policy.etag' (TYPE_BYTES), Base64 decoding failed for \"{etag}\"") from None


def _version(policy: Policy) -> int:
    version = policy.get("version") or 1
    if not isinstance(version, int):
        raise invalid("Invalid value at 'policy.version' (TYPE_INT32)")
    return version


class PolicyBox:
    """One policy with its history, so that readers can be shown it late.

    ``effective_after`` is how many seconds a change takes to reach those who check it; ``stale_reads`` is how many
    reads after a write still show the policy from before.
    """

    def __init__(self, policy: Policy, knows: Callable[[str], bool]) -> None:
        self.policy, self._knows = policy, knows
        self._before: Policy | None = None
        self._stale = 0
        self._written = 0.0

    def read(self, version: int) -> Policy:
        """Return the policy for a requested version; below 3, conditions are hidden behind another role name.

        Source: https://cloud.google.com/iam/docs/troubleshooting-withcond
        """
        if self._stale > 0 and self._before is not None:
            self._stale -= 1
            return copy.deepcopy(self._before)
        if conditional(self.policy) and version < 3:
            return self.policy | {
                "version": 1,
                "bindings": [_without_condition(item) for item in self.policy["bindings"]],
            }
        return copy.deepcopy(self.policy)

    def write(self, wanted: Policy, stale_reads: int = 0) -> Policy:
        """Replace the policy when its etag is the present one; one without an etag overwrites blindly, as in real life."""
        if wanted.get("etag") and _decoded(wanted["etag"]) != _decoded(self.policy["etag"]):
            raise GoogleError(409, _RACED)
        self._check(wanted)
        audits = {key: value for key, value in self.policy.items() if key == "auditConfigs"}
        self._before, self._stale, self._written = self.policy, stale_reads, time.monotonic()
        self.policy = {
            "version": 3 if conditional(wanted) else 1,
            "etag": new_etag(),
            "bindings": copy.deepcopy(wanted.get("bindings", [])),
        } | audits
        return copy.deepcopy(self.policy)

    def _check(self, wanted: Policy) -> None:
        if wanted.get("etag") and conditional(self.policy) and _version(wanted) < 3:
            raise GoogleError(
                400,
                f"Specified policy version ({_version(wanted)}) cannot be less than the existing policy version (3).",
            )
        check_bindings(wanted.get("bindings", []), self._knows)

    def grants(self, role: str, member: str, propagation: float = 0.0) -> bool:
        """Tell whether the member has the role unconditionally, as seen by those who check after the propagation delay."""
        late = self._before is not None and time.monotonic() - self._written < propagation
        policy = self._before if late and self._before is not None else self.policy
        return any(
            item["role"] == role and member in item["members"] and not item.get("condition")
            for item in policy["bindings"]
        )
