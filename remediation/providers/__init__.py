"""The APIs that runbooks act on. A wing is one folder here with a ``provider.py``, or an entry point of another package.

Nothing else names them: permissions, locks, clocks and the identity of a target are asked of the provider that has them.
A ``provider.py`` names in ``PROVIDER`` what `Provider` says, and loads its SDK when a client is made.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from remediation.model import targets
from remediation.model.errors import UsageProblem

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from remediation.access.locks import Lock
    from remediation.access.patience import Patience
    from remediation.access.sightings import Busy, Sighting
    from remediation.model.rights import Permission
    from remediation.model.targets import Target

# Of another package: ``[project.entry-points."remediation.providers"]`` with ``toy = "toy_package.provider:PROVIDER"``.
GROUP = "remediation.providers"


@dataclass(frozen=True)
class Link:
    """What a client of one run is made with.

    Attributes:
        means: how the API is reached, as the provider has it: a configuration, or the addresses of an emulator; None for
            the usual way.
        renew: reads the means again when the credentials are no longer accepted.
        permit: asked right before each request that changes something; raises what forbids it.
        patience: how long requests are repeated, who hears of it, and the token that ends the run.
    """

    means: Any
    permit: Callable[[], None]
    patience: Patience
    renew: Callable[[], Any] | None = None


class Given(Protocol):
    """What a person or a program has said about where to work; `remediation.verbs.Settings` is one."""

    @property
    def kubeconfig(self) -> str | None:
        """A search path of kubeconfig files that was named."""

    @property
    def usual_kubeconfig(self) -> str | None:
        """The one where none was named."""

    @property
    def context(self) -> str | None:
        """Of the kubeconfig."""

    @property
    def in_cluster(self) -> bool:
        """Whether the service account of this pod is taken where there is no kubeconfig."""

    @property
    def terminal(self) -> bool:
        """Whether a login may ask a person."""

    @property
    def location(self) -> str | None:
        """Of the GKE cluster."""

    @property
    def cluster(self) -> str | None:
        """The name of the GKE cluster."""

    @property
    def google(self) -> dict[str, str] | None:
        """Where an emulator of Google's APIs is."""

    def known(self, name: str) -> str | None:
        """Return a coordinate by name."""


class Provider(Protocol):
    """One API. It is shared by all runs of a process, and keeps nothing of any; what it is given to do is a client's."""

    name: str
    scopes: tuple[str, ...]  # the first words of the lock scopes that are its own
    identity_rights: tuple[Permission, ...]  # what `identity` takes

    def reach(self, kind: type[Target], given: Given, warn: Callable[[str], None] = ...) -> tuple[Target, Any]:
        """Return the target that is meant, and the means to reach it.

        Raises:
            UsageProblem, Refused: it is not named, or there is no way to it.
        """

    def require_named(self, given: Given, target: Callable[[], Target]) -> None:
        """Refuse to write to what nobody has named: it was only the usual one."""

    def client(self, link: Link) -> Any:
        """Return a client for one run."""

    def missing(self, client: Any, target: Target, permissions: list[Permission]) -> list[Permission]:
        """Return those of its permissions that the caller does not have."""

    def now(self, client: Any) -> float:
        """Return the clock of the API in seconds since 1970, as of its last answer."""

    def identity(self, client: Any) -> str:
        """Return what no two targets share; empty when it cannot be read, or the target says it itself."""

    def snapshot(self, client: Any) -> AbstractContextManager[None]:
        """Read everything once while a plan is made."""

    def warnings(self, client: Any) -> list[str]:
        """Return what the API has warned of so far, each text once."""

    def locks(
        self, client: Any, scopes: list[str], holder: str, seen: Callable[[str], Sighting], patience: Patience
    ) -> list[Lock] | None:
        """Return the locks of its scopes for one acquisition; None where they are kept in the journal."""

    def at_work(self, client: Any, locks: Sequence[Lock]) -> tuple[Lock, Busy] | None:
        """Return one of its locks whose holder is alive, and who that is."""

    def lock_rights(self, scope: str) -> list[Permission]:
        """Return the rights without which the lock of a scope cannot be held."""

    def lock_wishes(self, scope: str) -> list[Permission]:
        """Return the rights to see and watch who else is at work."""

    def held_by(self, client: Any, scope: str) -> str:
        """Return in words who has a lock, or has left it behind; empty where nobody is known."""


class ProviderDefaults:
    """What a provider is unless it says otherwise: locks are kept in the journal, and take no rights."""

    scopes: tuple[str, ...] = ()
    identity_rights: tuple[Permission, ...] = ()

    def require_named(self, given: Given, target: Callable[[], Target]) -> None:
        """Do nothing: a target that has no usual one is always named."""
        del given, target

    def identity(self, client: Any) -> str:
        """Return nothing: the target says it itself."""
        del client
        return ""

    def snapshot(self, client: Any) -> AbstractContextManager[None]:
        """Do nothing."""
        del client
        return nullcontext()

    def warnings(self, client: Any) -> list[str]:
        """Return nothing."""
        del client
        return []

    def locks(self, *asked: Any) -> list[Lock] | None:
        """Return none."""
        del asked
        return None

    def at_work(self, client: Any, locks: Sequence[Lock]) -> tuple[Lock, Busy] | None:
        """Look at one after the other."""
        from remediation.access.locks import at_work  # noqa: PLC0415 - a runbook that is listed holds none

        del client
        return at_work(locks)

    def lock_rights(self, scope: str) -> list[Permission]:
        """Return none."""
        del scope
        return []

    def lock_wishes(self, scope: str) -> list[Permission]:
        """Return none."""
        del scope
        return []

    def held_by(self, client: Any, scope: str) -> str:
        """Return nothing."""
        del client, scope
        return ""


@cache
def named(name: str) -> Provider:
    """Return the provider of this name; raises UsageProblem when there is none."""
    if name in _wings():
        found: Provider = importlib.import_module(f"{__name__}.{name}.provider").PROVIDER
        return found
    for point in _elsewhere():
        if point.name == name:
            loaded: Provider = point.load()
            return loaded
    raise UsageProblem(f"there is no provider {name!r}", "a package that has one names it in its entry points")


@cache
def _wings() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def names() -> Iterator[str]:
    """Yield the names of all providers, those of other packages last."""
    yield from _wings()
    yield from (point.name for point in _elsewhere())


def _elsewhere() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - those that are here are found first

    return entry_points(group=GROUP)


def locking(scope: str) -> Provider | None:
    """Return the provider whose lock a scope is, None where nobody claims it: then it is kept in the journal."""
    word = scope.partition("/")[0]
    return next((found for name in names() if word in (found := named(name)).scopes), None)


def load() -> None:
    """Import every provider, and with it the kinds of targets and records that it defines."""
    for name in names():
        named(name)


targets.found_by(load)
