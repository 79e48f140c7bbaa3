"""Rows that only look: a diagnosis without a fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from remediation.catalogue.asking import Asking
from remediation.catalogue.runbook import Runbook
from remediation.model.status import Risk, RowClass
from remediation.model.steps import Finding


def diagnosis(
    id: str,  # noqa: A002 - as that of `runbook`
    *,
    because: str,
    source: str,
    covers: Sequence[str] = (),
    alerts: Sequence[str] = (),
    formerly: Sequence[str] = (),
) -> Callable[[Callable[..., Iterator[Finding]]], Runbook]:
    """Make a function that yields findings a row of the catalogue that only looks; ``plan`` and ``run`` refuse it.

    Args:
        id: the catalogue row, ``DPV2-01``.
        because: why no run can mend it, as the end of a sentence: ``the dataplane is chosen when a cluster is created``.
        source: the public page that documents the fault.
        covers: every row it covers, when more than one.
        alerts: alert names that it explains.
        formerly: names that it had before.

    Raises:
        TypeError: an annotation is not understood, or the function takes a parameter.
    """

    def register(function: Callable[..., Iterator[Finding]]) -> Runbook:
        asking, name = Asking(function), function.__name__.replace("_", "-")
        if asking.parameters:
            raise TypeError(f"{name} only looks, and takes no {asking.parameters[0].name}")
        said, shown = (name, id, Risk.LOW, source, ""), (tuple(covers) or (id,), tuple(alerts))
        rest: dict[str, Any] = {"formerly": tuple(formerly), "cls": RowClass.DIAG, "because": because}
        return Runbook(*said, asking, (), asking.target, *shown, asking, **rest)

    return register
