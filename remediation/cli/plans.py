"""A plan as a person reads it: a line for each change first, then what changes in each, then what will be checked.

What is brief says so, and ``--full`` shows the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from remediation.cli.brevity import SEVERAL, Shown, fitted
from remediation.cli.console import one_line, style
from remediation.cli.edits import edit_lines, value_text
from remediation.cli.layout import WIDTH, labelled
from remediation.model.diffing import State, parse_pointer
from remediation.model.remarks import few

_SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}
_MARKS = {
    "ok": ("ok", "green"),
    "failing": ("FAILING", "red"),
    "unknown": ("unknown", "yellow"),
    "planned": ("will check", "cyan"),
    "not checked": ("not checked", "yellow"),
    "warning": ("warning", "yellow"),
    "evidence": ("evidence", "cyan"),
    "note": ("note", "cyan"),
    "missing": ("MISSING", "red"),
    "collect": ("will keep", "cyan"),
}
_TEMPORARY, _IRREVERSIBLE = "for the time of the run", "IRREVERSIBLE"
# What the address of an object says already, and the marks of the run, which every object that we make has.
_KNOWN = (
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/labels/app.kubernetes.io~1managed-by",
)
_MARKED = ("/metadata/annotations/runbook~1", "/annotations/runbook~1")


def plan_text(plan: State, *, full: bool = False) -> Shown:
    """Return a plan: all of it where that is asked for or fits a screen, else in brief."""
    return fitted(lambda brief: _lines(plan, brief=brief), full=full)


def _lines(plan: State, *, brief: bool) -> list[str]:
    passing = [change for change in plan["changes"] if brief and change.get("temporary") and change["reversible"]]
    shown = [change for change in plan["changes"] if change not in passing]
    details = [line for change in shown for line in _details(change, brief=brief)] + list(_notes(passing))
    advised = [line for item in plan.get("advice", []) for line in _advice(item)]
    rest = [*advised, *_already(plan["already_ok"], brief=brief), *check_lines(plan["checks"], brief=brief)]
    meant = [line for text in plan.get("impact", []) for line in labelled("  this means  ", text)]
    parts = [list(_summary(plan["changes"], brief=brief)), details, meant, rest]
    return [line for part in parts if part for line in ("", *part)]


def _summary(changes: list[State], *, brief: bool) -> Iterator[str]:
    """Yield one line for each change, or for many of a kind with the same fields."""
    for _, group in groupby(changes, key=_alike):
        same = list(group)
        if brief and len(same) > SEVERAL:
            yield _line(same[0], _together(same))
        else:
            yield from (_line(change, change["address"]) for change in same)


def _together(changes: list[State]) -> str:
    """Return how many there are of a kind, with as many of their names as fit a line."""
    kind = f"{changes[0]['address'].partition('/')[0]} ({len(changes)})"
    names = [one_line(change["address"]).partition("/")[2] for change in changes]
    found = (f"{kind}: {few(names, most)}" for most in (2, 1))
    return next((text for text in found if len(text) + 4 <= WIDTH), kind)


def _alike(change: State) -> tuple[object, ...]:
    return (
        change["action"],
        change["address"].partition("/")[0],
        _marks(change),
        [item["path"] for item in change["edits"]],
    )


def _line(change: State, what: str) -> str:
    """Return a change on one line: as much of what qualifies it as fits."""
    sign, colour = _SIGNS[change["action"]]
    count = len(change["edits"])
    told = [f"{count} field{'s' if count != 1 else ''}", *_marks(change)]  # what matters most goes last
    text = one_line(f"{sign} {what}")
    while told and len(text) + len(", ".join(told)) + 4 > WIDTH:
        told.pop(0)
    return "  " + style(text, fg=colour, bold=True) + ("  " + ", ".join(told) if told else "")


def _marks(change: State) -> list[str]:
    return [_TEMPORARY] * bool(change.get("temporary")) + [_IRREVERSIBLE] * (not change["reversible"])


def _details(change: State, *, brief: bool) -> Iterator[str]:
    """Yield what changes in one resource."""
    sign, colour = _SIGNS[change["action"]]
    yield "  " + style(one_line(f"{sign} {change['address']}"), fg=colour, bold=True)
    yield from (f"      {mark}" for mark in _marks(change))
    whole = change["action"] != "update"
    members: list[State] = []
    for edit in change["edits"]:
        if brief and _is_member(change, edit):
            members.append(edit)
        elif not (brief and whole and _tells_nothing(edit["path"])):
            yield from edit_lines(edit, brief=brief and whole)
    yield from _members(change, members)
    if change.get("note"):
        yield from labelled("      note: ", change["note"])


def _advice(advice: State) -> Iterator[str]:
    """Yield what a person has to do: each command on one line, so that it can be copied."""
    yield from labelled(f"  {style('to do by hand', fg='cyan')}  ", advice["summary"])
    yield from (f"      {style(text, bold=True)}" for text in advice["commands"])
    for text in advice["consequences"]:
        yield from labelled("      then: ", text)


def _notes(changes: list[State]) -> Iterator[str]:
    """Yield what has to be known of resources that are there for the time of the run; else their line says enough in brief."""
    noted = [change for change in changes if change.get("note")]
    for note in dict.fromkeys(change["note"] for change in noted):
        addresses = few(change["address"] for change in noted if change["note"] == note)
        yield from labelled("  note: ", f"{addresses}: {note}")


def _tells_nothing(path: str) -> bool:
    return path in _KNOWN or path.startswith(_MARKED)


def _is_member(change: State, edit: State) -> bool:
    """Tell whether a resource is many things, as ``pods/shop/of/web`` is, and an edit only adds or takes one."""
    kind, *rest = change["address"].split("/")
    one_side = edit["old"] is None or edit["new"] is None
    return bool(kind and len(rest) == 3 and rest[1] == "of" and one_side and len(parse_pointer(edit["path"])) > 1)


def _members(change: State, edits: list[State]) -> Iterator[str]:
    """Yield what is added to many things or taken from them, by what they are of."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for edit in edits:
        *above, name = parse_pointer(edit["path"])
        groups[".".join(above), value_text(edit["old"] if edit["new"] is None else edit["new"])].append(name)
    kind = change["address"].partition("/")[0]
    for (field, of), names in groups.items():
        yield from labelled(f"      {one_line(field)}: ", f"{len(names)} {kind} of {of} ({few(names)})")


def _already(items: list[State], *, brief: bool) -> Iterator[str]:
    """Yield what is right already; many for the same reason on one line."""
    for reason, group in groupby(items, key=lambda item: item["reason"]):
        addresses = [item["address"] for item in group]
        shown = [few(addresses)] if brief and len(addresses) > SEVERAL else addresses
        for text in shown:
            yield from labelled(f"  {style('=', fg='green')} ", f"{text}: {reason}")


def check_lines(checks: Iterable[State], *, brief: bool = False) -> Iterator[str]:
    """Yield checks; of many that ask the same of many things, the first ones in brief, and how many more there are."""
    for _, group in groupby(checks, key=lambda item: (item["status"], item["check"])):
        same = list(group)
        shown = same[: SEVERAL - 1] if brief and len(same) > SEVERAL else same
        for check in shown:
            yield from _check(check)
        if len(shown) < len(same):
            mark, colour = _MARKS.get(same[0]["status"], (same[0]["status"], None))
            yield from labelled(f"  {style(mark, fg=colour)}  ", f"{same[0]['check']}: +{len(same) - len(shown)}")


def _check(check: State) -> list[str]:
    mark, colour = _MARKS.get(check["status"], (check["status"], None))
    detail = f": {check['detail']}" if check.get("detail") else ""
    limit = f" (within {int(check['within_seconds'])} s)" if check.get("within_seconds") else ""
    return labelled(f"  {style(mark, fg=colour)}  ", check["check"] + limit + detail)
