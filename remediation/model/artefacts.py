"""What a run keeps of what it has only looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from remediation.model.api import Api
from remediation.model.rights import Permission


class ArtefactDefaults:
    """What an artefact is unless it says otherwise."""

    learnt: ClassVar[tuple[str, ...]] = ()


class Artefact(Protocol):
    """Something worth keeping that is only read: text. Implementations are frozen dataclasses (see `records`)."""

    @property
    def learnt(self) -> tuple[str, ...]:
        """The fields that only the target tells; all others say what is read."""

    @property
    def description(self) -> str:
        """What is kept, in words."""

    @property
    def file_name(self) -> str:
        """What the file is called."""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Every right that reading takes."""

    def read(self, api: Api, most: int, seconds: float) -> str:
        """Return it: at most so many bytes are asked for, within so many seconds."""


@dataclass(frozen=True)
class Collect:
    """Keep an artefact beside the journal, readable by its owner only and without what looks like a secret.

    It never fails a run. ``within`` is how many seconds it may take, ``days`` how long it is kept.
    """

    artefact: Artefact
    most_bytes: int = 1_000_000
    within: float = 30.0
    days: int = 30
