"""A scenario that is played: broken once, and set back to that as often as somebody wants to fix it anew."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from remediation.model.scenarios import Scenario
from remediation.testing import states
from remediation.testing.planted import assert_only_in_secrets
from remediation.testing.played_world import PlayedWorld
from remediation.testing.worlds import EmulatedWorld

T = TypeVar("T")
# On a machine that many share, what takes a moment takes much longer.
_SECONDS = 40.0


class Played:
    """One scenario in one world.

    Attributes:
        broken: all that is stored while it is broken.
        words: the runbook with the parameters that fix it, as a person types them.
    """

    def __init__(self, world: PlayedWorld, scenario: Scenario, folder: Path) -> None:
        self.world, self.scenario, self.folder = world, scenario, folder
        self._kept: dict[str, object] = {}
        self._stores = (str(folder / f"{scenario.name}-{number}.db") for number in itertools.count())
        world.set_back()
        scenario.breaks(world)
        world.settle()
        self.words = scenario.words(world.places)
        self.broken, self._dump = world.whole(), world.dump()

    @property
    def emulated(self) -> EmulatedWorld:
        """Its world, where requests can be disturbed and a colleague is quicker than the API."""
        assert isinstance(self.world, EmulatedWorld), "a real control plane cannot be disturbed"
        return self.world

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """Return what was made under this name, made once."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("T", self._kept[name])

    def again(self) -> str:
        """Set the world back to where it is broken, and return the store of the next try."""
        self.world.set_back(self._dump)
        if not self._dump:
            self.scenario.breaks(self.world)
        return next(self._stores)

    @cached_property
    def fixed(self) -> dict[str, Any]:
        """All that is stored after a whole run that nothing has disturbed."""
        store = self.again()
        self.run(store)
        return self.world.whole()

    def run(self, store: str, *words: str, code: int | None = None) -> dict[str, Any]:
        """Run it to its end and return its document; fail when that is not what the scenario says."""
        answer = self.world.verb(store, "run", *self.words, "--yes", *words)
        document: dict[str, Any] = answer["document"]
        expected = self.codes if code is None else (code,)
        assert answer["code"] in expected, self.told(document, f"exit {answer['code']}, expected {expected}")
        assert_only_in_secrets(self.scenario.name, iter(self.world.objects()))
        return document

    @property
    def codes(self) -> tuple[int, ...]:
        """The exit codes that its run may have: what is refused may be the caller's mistake, or the world's state."""
        return (2, 3) if self.scenario.ends == "refused" else (0,)

    def told(self, document: dict[str, Any], what: str) -> str:
        """Return a sentence for whoever reads why it failed."""
        return f"{self.scenario.name}: {what}: {document.get('status')}, {document.get('error')}"

    def finding(self) -> dict[str, Any]:
        """Return what ``diagnose`` says of it first."""
        answer = self.world.verb(next(self._stores), "diagnose", self.scenario.runbook)
        found: dict[str, Any] = answer["document"]["findings"][0]
        return found

    def until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait until it shows; fail when it does not."""
        deadline = time.monotonic() + _SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"{self.scenario.name}: {what}"
            time.sleep(0.05)

    def shows(self) -> bool:
        """Tell whether ``diagnose`` says what the scenario promises."""
        seen, found = self.scenario.seen, self.finding()
        return found["status"] == seen.status and seen.finding in json.dumps(found, ensure_ascii=False)

    def neighbours(self) -> dict[str, Any]:
        """Return the objects that nobody may touch, as they are but for what controllers tell of them."""
        found = {ref.address: self.world.read(ref) for ref in self.scenario.neighbours}
        missing = [address for address, obj in found.items() if obj is None]
        assert not missing, f"{self.scenario.name}: these neighbours do not exist: {missing}"
        return {address: states.untold(obj) for address, obj in found.items() if obj is not None}

    def undone(self, state: dict[str, Any]) -> list[str]:
        """Return what differs from before the run; what was cleaned from a node's disk does not come back."""
        return states.differences(_without_disks(self.broken, self.world), _without_disks(state, self.world))

    def unfinished(self, state: dict[str, Any]) -> list[str]:
        """Return what differs from a whole run."""
        return states.differences(self.fixed, state)


def _without_disks(state: dict[str, Any], world: PlayedWorld) -> dict[str, Any]:
    return {place: _unmarked(value, world) if place.startswith("node/") else value for place, value in state.items()}


def _unmarked(node: dict[str, Any], world: PlayedWorld) -> dict[str, Any]:
    notes = {key: value for key, value in _notes(node) if key not in world.marks.values()}
    return node | {"metadata": node["metadata"] | {"annotations": notes}}


def _notes(obj: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from obj["metadata"]["annotations"].items()
