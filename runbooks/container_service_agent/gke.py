"""What GKE does in a project: its clusters, and how its operations end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remediation import Facts, Forbidden, Permission, State, Unavailable, limits


@dataclass(frozen=True)
class ProjectClusters:
    """The GKE clusters of a project."""

    project: str

    permissions = (Permission.google("container.clusters.list"),)

    def ask(self, facts: Facts) -> tuple[State, ...]:
        """List them in every location."""
        return tuple(facts.api.google.clusters(self.project))


@dataclass(frozen=True)
class GkeUse:
    """How a project uses GKE: how many clusters it has, the newest minor version in them, and whose networks they are in.

    `clusters` is None when nobody could say; `hosts` are other projects, which share their network (Shared VPC).
    """

    clusters: int | None
    newest: int = 0
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class GkeUsage:
    """How a project uses GKE, as far as its clusters tell."""

    project: str

    permissions = ProjectClusters.permissions

    def ask(self, facts: Facts) -> GkeUse:
        """Read the clusters; this decides only what else is looked at, so a refusal is an answer."""
        try:
            clusters = facts(ProjectClusters(self.project))
        except (Forbidden, Unavailable):
            return GkeUse(None)
        networks = [str((item.get("networkConfig") or {}).get("network", "")).split("/") for item in clusters]
        hosts = {parts[1] for parts in networks if len(parts) > 1 and parts[0] == "projects"} - {self.project}
        return GkeUse(len(clusters), max(map(_newest, clusters), default=0), tuple(sorted(hosts)))


def _newest(cluster: State) -> int:
    """Return the newest minor version of a cluster's control plane and node pools."""
    texts = [cluster.get("currentMasterVersion"), *(pool.get("version") for pool in cluster.get("nodePools") or [])]
    parts = [str(text).split(".") for text in texts]
    return max((int(item[1]) for item in parts if len(item) > 1 and item[1].isdigit()), default=0)


@dataclass(frozen=True)
class GkeOperations:
    """The recent GKE operations of a project, the newest first; None when they may not be read."""

    project: str

    permissions = (Permission.google("container.operations.list"),)

    def ask(self, facts: Facts) -> tuple[State, ...] | None:
        """List them; this is evidence only, so a refusal is an answer."""
        try:
            found = facts.api.google.operations(self.project)
        except Forbidden:
            return None
        return tuple(sorted(found, key=begun, reverse=True))


def begun(operation: State) -> float:
    """Return when an operation was begun, in seconds since 1970; 0 when it does not tell."""
    text = operation.get("startTime")
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def told(operation: State) -> str:
    """Return an operation in one phrase: its type and name, and its error."""
    error = (operation.get("error") or {}).get("message", "")
    return f"{operation.get('operationType')} {operation.get('name')}" + (
        f": {limits.message(str(error))}" if error else ""
    )


@dataclass(frozen=True)
class FailedOperations:
    """Error texts of recent GKE operations that failed; None when they may not be read."""

    project: str

    permissions = GkeOperations.permissions

    def ask(self, facts: Facts) -> tuple[str, ...] | None:
        """List them."""
        found = facts(GkeOperations(self.project))
        return None if found is None else tuple(told(item) for item in found if item.get("error"))
