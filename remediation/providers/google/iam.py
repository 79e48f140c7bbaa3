"""One member of one role in a project's IAM policy; everything else in the policy stays as it is.

Source: https://cloud.google.com/iam/docs/granting-changing-revoking-access (read-modify-write with etag, version 3)
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import Any

from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import Conflict, Invalid, Refused
from remediation.model.records import recorded
from remediation.model.rights import Permission
from remediation.model.steps import ResourceDefaults
from remediation.providers.google.facts import unconditional

_VERSION = 3
_SERVICE = "container.googleapis.com"


class _Raced(Conflict):
    """Another writer changed the policy between our read and our write."""


@recorded
@dataclass(frozen=True)
class ProjectIamMember(ResourceDefaults):
    """A member that has a role on a project without any condition."""

    project: str
    role: str
    member: str
    reason: str = "the role is granted already"

    @property
    def address(self) -> str:
        """``iam/projects/P/ROLE/MEMBER``."""
        return f"iam/projects/{self.project}/{self.role}/{self.member}"

    @property
    def scope(self) -> str:
        """The project."""
        return f"project/{self.project}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read and write the project's policy."""
        return (
            Permission.google("resourcemanager.projects.getIamPolicy"),
            Permission.google("resourcemanager.projects.setIamPolicy"),
        )

    @property
    def _grant(self) -> State:
        return {"role": self.role, "member": self.member}

    def read(self, api: Api) -> State | None:
        """Return the grant, None when the member does not have the role unconditionally."""
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        """Return the grant, with the etag of the policy that has it or has it not."""
        policy = api.google.policy(self.project)
        state = self._grant if self._binding(policy) is not None else None
        return Seen(state, api.google.now(), base64.b64encode(policy.etag).decode())

    def desired(self, current: State | None) -> State:
        """Return the grant."""
        del current
        return self._grant

    def preview(self, api: Api, change: Change) -> Change:
        """IAM has no dry run; the plan says so."""
        del api
        note = "IAM offers no dry run; the policy is written back with its etag, so nobody's edit is lost"
        return replace(change, note=note)

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Add or remove exactly this member; a concurrent edit makes us read again, at most 6 times in 60 seconds."""
        from tenacity import (  # noqa: PLC0415 - only writes need it
            Retrying,
            retry_if_exception_type,
            stop_after_attempt,
            stop_after_delay,
            wait_random_exponential,
        )

        del run_id, identity

        def pause(seconds: float) -> None:
            api.stop.wait(seconds)

        retrying = Retrying(
            retry=retry_if_exception_type(_Raced),
            reraise=True,
            stop=stop_after_attempt(6) | stop_after_delay(60),
            wait=wait_random_exponential(multiplier=0.2, max=10),
            sleep=pause,
        )
        retrying(self._once, api, change)
        return Written(change.after)

    def _once(self, api: Api, change: Change) -> None:
        policy = api.google.policy(self.project)
        present = self._binding(policy)
        if (present is not None) != (change.before is not None):
            raise Conflict(f"{self.member} {'already has' if present is not None else 'no longer has'} {self.role}")
        if change.action == "create":
            self._add(policy)
        else:
            self._remove(policy, present)
        policy.version = _VERSION
        try:
            api.google.set_policy(self.project, policy)
        except Conflict as problem:
            raise _Raced(problem.summary) from problem
        except Invalid as problem:
            self._refuse_unknown_member(problem)
            raise

    def _refuse_unknown_member(self, problem: Invalid) -> None:
        """Say what to do about a service agent: Google makes it only when it is asked to."""
        if "does not exist" in f"{problem.summary} {problem.detail}":
            raise Refused(
                f"{self.member.partition(':')[2]} does not exist, so it can have no role",
                problem.summary,
                command(
                    "gcloud",
                    "beta",
                    "services",
                    "identity",
                    "create",
                    f"--service={_SERVICE}",
                    f"--project={self.project}",
                ),
            ) from problem

    def _binding(self, policy: Any) -> Any:
        """Return the unconditional binding of the role that has the member, or None."""
        return next((item for item in unconditional(policy, self.role) if self.member in item.members), None)

    def _add(self, policy: Any) -> None:
        bindings = unconditional(policy, self.role)
        (bindings[0] if bindings else policy.bindings.add(role=self.role)).members.append(self.member)

    def _remove(self, policy: Any, binding: Any) -> None:
        binding.members.remove(self.member)
        if not binding.members:  # an empty binding is invalid
            policy.bindings.remove(binding)

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether the member is where the write wanted it; in a policy that nobody has written since, it is not ours."""
        del run_id
        seen = self.look(api)
        written = change.landed(seen.state) and not (intent.version and seen.version == intent.version)
        return Written(change.after) if written else None
