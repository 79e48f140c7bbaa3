"""Checks on Google Cloud; its APIs cannot be watched, so they are asked again, ever more rarely."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from remediation.model import CheckDefaults, Permission, Verdict
from remediation.records import recorded
from remediation.resources.iam import ProjectIamMember

_FIRST, _LONGEST = 0.5, 15.0


@recorded
@dataclass(frozen=True)
class GrantVisible(CheckDefaults):
    """The project's policy shows the grant. Changes can take minutes to reach every reader.

    Source: https://cloud.google.com/iam/docs/access-change-propagation (2 minutes, sometimes 7 or more)
    """

    project: str
    role: str
    member: str

    @property
    def _resource(self) -> ProjectIamMember:
        return ProjectIamMember(self.project, self.role, self.member)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"{self.member} has {self.role} on project {self.project}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read the policy."""
        return self._resource.permissions[:1]

    def ask(self, api: Any) -> Verdict:
        """Read the policy."""
        if self._resource.read(api) is None:
            return Verdict("failing", "the policy does not show it; the change may still be on its way")
        return Verdict("ok", "unconditional, in the project's own policy")

    def moments(self, api: Any, within: float) -> Iterator[None]:
        """Yield after growing pauses."""
        del api
        pause, deadline = _FIRST, time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.6, _LONGEST)
            yield None
