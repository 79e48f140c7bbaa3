"""How a runbook is written: its options are annotations, and its functions are called with what they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Any

import pytest

from remediation import (
    Cidrs,
    Cluster,
    Count,
    Email,
    Facts,
    Finding,
    Namespace,
    Note,
    ObjectName,
    Project,
    Risk,
    Spelling,
    Steps,
    runbook,
)
from remediation.catalogue.runbook import Runbook

LOOKED: list[str] = []
Colour = Annotated[str, Spelling("COLOUR", str.upper)]


@dataclass(frozen=True)
class Situation:
    """What is looked at, with one parameter of the runbook."""

    context: str | None
    paint: str

    @classmethod
    def look(cls, target: Cluster, facts: Facts, paint: str = "no colour") -> Situation:
        LOOKED.append(paint)
        return cls(target.context, paint)


def findings(now: Situation) -> Iterator[Finding]:
    yield Finding("healthy", f"{now.context} is painted with {now.paint}")


def undo(facts: Facts, made: dict[str, Any]) -> Steps:
    yield Note("made", ", ".join(made))


def book(function: Any, **more: Any) -> Runbook:
    said: dict[str, Any] = {"id": "NET-00", "risk": Risk.LOW, "source": "", "example": ""}
    return runbook(**said | more)(function)


def paint(
    now: Situation,
    masquerade: Annotated[Cidrs, "ranges"],
    paint: Annotated[Colour, "what with"] = "red",
    limit: Annotated[Count, "at most"] = 3,
    email: Annotated[Email | None, "whose"] = None,
    node: Annotated[tuple[ObjectName, ...], "where"] = (),
    account: Annotated[ObjectName, "of the pods", "KSA"] = "default",
    namespace: Annotated[Namespace, "of them"] = "shop",
    note: Annotated[str | None, "anything"] = None,
    fast: Annotated[bool, "do it fast"] = False,
) -> Steps:
    """Paint a cluster."""
    yield Note(f"{now.context} becomes {now.paint}", "")


def test_an_option_is_an_annotated_type() -> None:
    """The type says how it is typed, the annotation what for; None is optional, a tuple repeatable, bool a flag."""
    found = {item.name: item for item in book(paint).parameters}
    assert {name: item.usage for name, item in found.items()} == {
        "masquerade": "--masquerade CIDR", "paint": "--paint COLOUR", "limit": "--limit N", "email": "--email EMAIL", "node": "--node NAME",
        "account": "--account KSA", "namespace": "--namespace NAMESPACE", "note": "--note TEXT", "fast": "--fast",
    }  # fmt: skip
    assert [item.name for item in found.values() if item.repeatable] == ["masquerade", "node"]
    assert [item.name for item in found.values() if item.required] == ["masquerade"]
    assert [item.name for item in found.values() if item.flag] == ["fast"]
    assert found["account"].option.help == "of the pods"
    assert found["masquerade"].value(["10.1.0.0/16"]) == (ip_network("10.1.0.0/16"),)
    assert (found["limit"].value("7"), found["paint"].value("blue"), found["email"].value(None)) == (7, "BLUE", None)
    with pytest.raises(ValueError, match="is not an object name"):
        found["node"].value(["Node 1"])


def test_functions_get_what_they_name() -> None:
    """The steps' situation knows their parameters, a diagnosis has their defaults; nothing is looked at before a step is taken."""
    LOOKED.clear()
    made, target, facts = book(paint, diagnose=findings, undo=undo), Cluster(context="example"), Facts(None)  # type: ignore[arg-type] # asks nothing
    assert (made.name, made.target, made.summary) == ("paint", Cluster, "Paint a cluster.")
    steps = made.steps(target, facts=facts, paint="blue", masquerade=())
    assert LOOKED == []
    assert [step.subject for step in steps] == ["example becomes blue"]  # type: ignore[union-attr] # they are notes
    assert made.diagnose
    assert [item.summary for item in made.diagnose(target, facts)] == ["example is painted with no colour"]
    assert LOOKED == ["blue", "no colour"]
    assert made.undo
    assert [step.reason for step in made.undo(target, facts=facts, made={"node/a": {}})] == ["node/a"]  # type: ignore[union-attr] # as above


def bare(target: Cluster, count: int) -> Steps:
    yield from ()


def odd(target: Cluster, count: Annotated[int, "how many"]) -> Steps:
    yield from ()


def silent(target: Cluster, name: Annotated[str, Spelling("NAME")]) -> Steps:
    yield from ()


def nowhere(facts: Facts) -> Steps:
    yield from ()


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (bare, "bare: the parameter count is annotated with .*; allowed is Annotated"),
        (odd, "odd: the parameter count is annotated with .*; allowed is Annotated"),
        (silent, "silent: the parameter name is annotated with .*; allowed is Annotated"),
        (nowhere, "nowhere: nothing says what its target is; allowed is target: Cluster or Project"),
    ],
)
def test_a_bad_signature_fails_at_load(function: Any, sentence: str) -> None:
    """One sentence names the runbook, the parameter and what is allowed."""
    with pytest.raises(TypeError, match=sentence):
        book(function)


def test_the_target_is_that_of_the_situation() -> None:
    """Steps that name no target act on what their situation looks at."""

    def account(target: Project, facts: Facts) -> Steps:
        yield from ()

    account.__annotations__ = {"target": Project, "facts": Facts, "return": Steps}
    assert book(account).target is Project
    assert book(paint).target is Cluster
