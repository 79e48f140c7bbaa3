"""The rights of every runbook, as tests: what the APIs see is what `runbook rbac` prints, no more and no less.

Inherit `Rights` beside `Contract`; see `remediation.testing.contract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from remediation.catalogue.loading import find
from remediation.model.rights import Permission
from remediation.testing.contract import Play, Playing
from remediation.testing.guards import covers, guarded
from remediation.testing.playing import Played
from remediation.verbs.rights import permissions_of
from runbook_sandbox.process import COORDINATES


class Rights(Playing):
    """Each runbook lives with exactly the derived rights, and some life of it takes each of them.

    ``conditional`` says of rights that no scenario takes, as ``verb resource``, when they are taken.
    """

    conditional: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Run each test once for each runbook."""
        metafunc.parametrize("row", sorted({item.runbook for item in cls.scenarios().values()}))

    def test_the_derived_rights_are_those_that_it_takes(self, row: str, play: Play) -> None:
        """Diagnosis, plan, run, second run, proof and rollback ask for nothing beyond, and need all of them."""
        taken: set[Any] = set()
        derived: set[Any] = set()
        for name in (item.name for item in self.scenarios().values() if item.runbook == row):
            played = play(name)
            rights = _derived(played)
            asked = _lived(played, rights)
            beyond = [wanted for wanted in asked if not any(covers(right, wanted) for right in rights)]
            assert not beyond, f"{name} takes what rbac does not print: {', '.join(map(str, beyond))}"
            derived |= {_kind(right) for right in rights}
            taken |= {_kind(right) for right in rights if any(covers(right, wanted) for wanted in asked)}
        idle = {" ".join((right[2], right[1])) for right in derived - taken if not _is_rare(right, derived)}
        unheard = sorted(idle - self.conditional.keys())
        assert not unheard, f"rbac {row} prints what no scenario takes: {', '.join(unheard)}"


def _kind(right: Permission) -> tuple[str, ...]:
    """Return a right without the names that differ from scenario to scenario."""
    scope = "of one" if right.name else "of a namespace" if right.namespace else "of all"
    return right.group, right.resource, right.verb, scope


def _is_rare(right: tuple[str, ...], derived: set[Any]) -> bool:
    """Tell what is taken where runs meet, where one was killed while it made something, or where something takes its time."""
    group, resource, verb, _ = right
    made = (group, resource, "create", "of a namespace") in derived
    return resource == "leases" or verb == "watch" or (verb == "patch" and made)


def _derived(played: Played) -> list[Permission]:
    book = find(played.scenario.runbook)
    values = book.values(played.scenario.values(played.world.places))
    return permissions_of(book, book.target(**COORDINATES), values)


def _lived(played: Played, rights: list[Permission]) -> list[Permission]:
    """Return what was asked for in the whole life of a run that has only these rights."""
    store, words = played.again(), played.words
    asked: dict[Permission, None] = {}

    def lets(wanted: Permission) -> bool:
        asked[wanted] = None
        return any(covers(right, wanted) for right in rights)

    def verb(*said: str) -> Any:
        return played.world.verb(store, *said)["document"]

    with guarded(played.emulated, lets):
        verb("diagnose", words[0])
        verb("plan", *words)
        run = verb("run", *words, "--yes").get("run_id")
        if run and played.scenario.changes:
            verb("run", *words, "--yes")
            verb("verify", run, "--within", "1")
            verb("rollback", run, "--yes")
    return list(asked)
