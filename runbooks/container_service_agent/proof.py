"""What shows that the service agents work; Google's APIs cannot be watched, so they are asked again, ever more rarely."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from remediation import Api, CheckDefaults, Facts, Permission, ProjectIamMember, Verdict, recorded

from .gke import GkeOperations, begun, told

_FIRST, _LONGEST = 0.5, 15.0


@recorded
@dataclass(frozen=True)
class GrantVisible(CheckDefaults):
    """The project's policy shows the grant, which is no proof that anybody may use it; runs of earlier versions asked this.

    Changes can take minutes to reach every reader.

    Source: https://cloud.google.com/iam/docs/access-change-propagation (2 minutes, sometimes 7 or more)
    """

    project: str
    role: str
    member: str

    @property
    def about(self) -> ProjectIamMember:
        """The grant."""
        return ProjectIamMember(self.project, self.role, self.member)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"{self.member} has {self.role} on project {self.project}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read the policy."""
        return self.about.permissions[:1]

    def ask(self, api: Api) -> Verdict:
        """Read the policy."""
        if self.about.read(api) is None:
            return Verdict("failing", "the policy does not show it; the change may still be on its way")
        return Verdict("ok", "unconditional, in the project's own policy; that GKE can use it only an operation shows")

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield after growing pauses."""
        pause, deadline = _FIRST, time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            api.stop.wait(min(pause, left))
            pause = min(pause * 1.6, _LONGEST)
            yield None


@recorded
@dataclass(frozen=True)
class GkeOperates(CheckDefaults):
    """The newest GKE operation, begun after the plan was made, has ended well: what needed the grant works.

    Nothing else shows that. A policy that has the grant shows what was written, and `testIamPermissions` answers for
    the caller, not for a service agent.

    Args:
        project: the project.
        after: when the newest operation that the plan saw was begun, in seconds since 1970; 0 when there was none.
    """

    project: str
    after: float = 0.0

    learnt: ClassVar[tuple[str, ...]] = ("after",)
    # Nobody starts an operation on a production cluster for a proof.
    required: ClassVar[bool] = False

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"a GKE operation in {self.project}, begun since, has ended well"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List the operations."""
        return GkeOperations.permissions

    def ask(self, api: Api) -> Verdict:
        """Look at the newest operation that has ended; waiting would be in vain, for somebody has to start one."""
        found = Facts(api)(GkeOperations(self.project))
        if found is None:
            return Verdict("unknown", "you may not list operations", final=True)
        ended = [item for item in found if item.get("status") == "DONE" and begun(item) > self.after]
        if not ended:
            return Verdict("unknown", "there is none; repeat the one that failed, then verify this run", final=True)
        if not ended[0].get("error"):
            return Verdict("ok", told(ended[0]))
        return Verdict("failing" if self.after else "unknown", told(ended[0]), final=True)

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield never: see `ask`."""
        del api, within
        return iter(())
