"""What a runbook acts on, as coordinates without any client."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True)
class Target:
    """Coordinates of what a runbook acts on; carries no client and no credential."""

    kind: ClassVar[str] = "target"

    context: str | None = None
    server: str | None = None
    project: str | None = None
    location: str | None = None
    cluster: str | None = None

    def __str__(self) -> str:
        parts = [
            ("context", self.context),
            ("project", self.project),
            ("location", self.location),
            ("cluster", self.cluster),
        ]
        return " ".join(f"{name}={value}" for name, value in parts if value) or "none"

    def as_json(self) -> dict[str, str]:
        """Return the coordinates that are known."""
        return {item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name)}


class Cluster(Target):
    """A target whose Kubernetes API is used; the GKE coordinates are optional."""

    kind = "cluster"


class Project(Target):
    """A Google Cloud project."""

    kind = "project"
