"""What a runbook acts on, as coordinates without any client. Each kind is known by being defined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar

_KINDS: dict[str, type[Target]] = {}
_FINDERS: list[Callable[[], object]] = []


@dataclass(frozen=True)
class Target:
    """Coordinates of what a runbook acts on; carries no client and no credential.

    Attributes:
        kind: what a record calls it.
        provider: the name of the provider whose clock, identity and locks are the target's.
    """

    kind: ClassVar[str] = "target"
    provider: ClassVar[str] = "kubernetes"

    context: str | None = None
    server: str | None = None
    project: str | None = None
    location: str | None = None
    cluster: str | None = None

    def __init_subclass__(cls) -> None:
        """Take note of the kind; raises TypeError when another one is called so."""
        if _KINDS.setdefault(cls.kind, cls).__qualname__ != cls.__qualname__:
            raise TypeError(f"two kinds of targets are called {cls.kind!r}")

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
    provider = "google"


def found_by(finder: Callable[[], object]) -> None:
    """Name what imports every module that may define a kind; it is called when a record names one that is not known yet."""
    _FINDERS.append(finder)


def kind_of(name: object) -> type[Target] | None:
    """Return the kind of target of this name, None when this version has none."""
    if name not in _KINDS:
        for find in _FINDERS:
            find()
    return _KINDS.get(str(name))
