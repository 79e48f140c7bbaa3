"""Facts about Artifact Registry: who may read a repository, as far as the policies that can be read tell.

Source: https://cloud.google.com/artifact-registry/docs/access-control
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from remediation import (
    Facts,
    Forbidden,
    NotFound,
    ObjectsOf,
    Permission,
    Unauthorized,
    containers_of,
    few,
    image_host,
    live_pods,
    repository,
    same_host,
)

from .pods.status import concerns

_READERS = frozenset(
    f"roles/{name}"
    for name in (
        *(f"artifactregistry.{kind}" for kind in ("reader", "writer", "repoAdmin", "admin")),
        "artifactregistry.createOnPushWriter",
        "artifactregistry.createOnPushRepoAdmin",
        *("viewer", "editor", "owner"),
    )
)
# What a plan says of it. https://cloud.google.com/iam/docs/deny-overview
# https://cloud.google.com/artifact-registry/docs/repositories/virtual-overview
NOT_SEEN = "IAM deny policies and, where it is a virtual repository, its upstreams are not looked at"
NOT_ASKED = "Google is not asked about a key file, for the caller may have no credentials there"
_EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})
Binding = tuple[str, frozenset[str], bool]


@dataclass(frozen=True)
class Repositories:
    """The Artifact Registry repositories that pods of a service account pull from through one host."""

    namespace: str
    service_account: str
    host: str

    @property
    def _pods(self) -> ObjectsOf:
        return live_pods(self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List the pods of the namespace."""
        return self._pods.permissions

    def ask(self, facts: Facts) -> tuple[str, ...]:
        """Return their resource names."""
        pods = [pod for pod in facts(self._pods) if concerns(pod, self.service_account, self.host)]
        images = {item["image"] for pod in pods for item, _ in containers_of(pod) if self._is_of(item.get("image", ""))}
        return tuple(sorted({name for image in images if (name := repository(image))}))

    def _is_of(self, image: str) -> bool:
        try:
            return same_host(image_host(image), self.host)
        except ValueError:
            return False


@dataclass(frozen=True)
class MayRead:
    """Whether a service account may read: None when the policies leave it open, and why."""

    answer: bool | None
    why: str


@dataclass(frozen=True)
class RepositoryReader:
    """Whether the policies of a repository and of its project let a service account read it.

    Grants of folders and of the organisation are not looked at. ``testIamPermissions`` would answer for the caller.
    """

    email: str
    repository: str

    permissions = (
        Permission.google("artifactregistry.repositories.getIamPolicy"),
        Permission.google("resourcemanager.projects.getIamPolicy"),
    )

    def ask(self, facts: Facts) -> MayRead:
        """Read the repository's policy, and its project's where that one does not tell."""
        project = self.repository.split("/")[1]
        try:
            found = _of_repository(facts.api.google.repository_policy(self.repository))
            if not self._reads(found):
                found += _of_project(facts.api.google.policy(project))
        except NotFound:
            return MayRead(False, "there is no such repository")
        except (Forbidden, Unauthorized) as problem:
            return MayRead(None, f"its policy cannot be read: {problem.summary}")
        return self._told(found)

    @property
    def _member(self) -> str:
        return f"serviceAccount:{self.email}"

    def _reads(self, bindings: list[Binding]) -> bool:
        who = _EVERYBODY | {self._member}
        return any(role in _READERS and members & who and not limited for role, members, limited in bindings)

    def _told(self, bindings: list[Binding]) -> MayRead:
        if self._reads(bindings):
            return MayRead(True, "")
        other = sorted(role for role, members, _ in bindings if self._member in members)
        groups = sorted(
            member
            for role, members, _ in bindings
            if role in _READERS
            for member in members
            if member.partition(":")[0] in ("group", "domain")
        )
        if other or groups:
            return MayRead(None, f"it may have the right through {few([*other, *groups])}")
        return MayRead(False, "neither the repository nor its project grants it a role that reads")


def _of_repository(policy: dict[str, Any]) -> list[Binding]:
    return [
        (item["role"], frozenset(item.get("members") or []), bool(item.get("condition")))
        for item in policy.get("bindings") or []
    ]


def _of_project(policy: Any) -> list[Binding]:
    return [(item.role, frozenset(item.members), item.HasField("condition")) for item in policy.bindings]
