"""A plan fits a screen, says what it leaves out, and shows all of it when asked."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.cli.console import printable, unstyled
from remediation.cli.plans import plan_text
from remediation.model.changes import Change

_NAMES = st.text("abcdefghij-.", min_size=1, max_size=70)
_WORDS = st.text("abc 019/:-\n\u202e\x1b", max_size=120)
_VALUES = st.recursive(
    st.integers() | _WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=6
)  # fmt: skip
_STATES = st.none() | st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=3)
_ADDRESSES = st.builds("{}/{}/{}".format, st.sampled_from(["configmap", "node", "secret"]), _NAMES, _NAMES)


def _change(address: str, before: Any, after: Any, temporary: bool, reversible: bool) -> Change:
    return Change.between(address, before, after, temporary=temporary, reversible=reversible)


_CHANGES = st.builds(_change, _ADDRESSES, _STATES, _STATES, st.booleans(), st.booleans()).filter(
    lambda item: item.edits
)


def plan(*changes: Change, checks: Any = (), already: Any = ()) -> dict[str, Any]:
    """Return the ``plan`` part of a document, as it is after a journal or a file."""
    found = {"changes": [item.as_json() for item in changes], "checks": list(checks), "already_ok": list(already)}
    return dict(json.loads(json.dumps(found)))


def shown(*changes: Change, full: bool = False, **more: Any) -> list[str]:
    return unstyled(plan_text(plan(*changes, **more), full=full).text).split("\n")


def squeezed(text: str) -> str:
    return "".join(text.split())


def words(value: Any) -> list[str]:
    """Return every name and every plain word inside a value, at any depth."""
    if isinstance(value, dict):
        return [word for name, inner in value.items() for word in (*words(name), *words(inner))]
    if isinstance(value, list):
        return [word for inner in value for word in words(inner)]
    return re.findall("[a-z]+|[0-9]+", str(value))


@settings(max_examples=25)
@given(st.lists(_CHANGES, min_size=1, max_size=2))
def test_every_field_is_in_the_full_text(changes: list[Change]) -> None:
    """With its path and all of what it was and will be, but for lines that stay."""
    text = squeezed(unstyled(plan_text(plan(*changes), full=True).text))
    for item in plan(*changes)["changes"]:
        assert squeezed(item["address"]) in text
        for edit in item["edits"]:
            path = printable(edit["path"]).replace("/", ".").replace("~1", "/").replace("~0", "~")
            assert squeezed(path.removeprefix(".")) in text
            if edit["old"] is None or edit["new"] is None:
                assert all(word in text for word in words(edit["new"] if edit["old"] is None else edit["old"]))
            for value, other in ((edit["old"], edit["new"]), (edit["new"], edit["old"])):
                lines = value.splitlines() if isinstance(value, str) else []
                stay = other.splitlines() if isinstance(other, str) else []
                assert all(squeezed(printable(line)) in text for line in lines if line not in stay)


@settings(max_examples=25)
@given(st.lists(_CHANGES, min_size=1, max_size=6), st.booleans())
def test_a_line_for_each_change_comes_first(changes: list[Change], full: bool) -> None:
    """There are never more of them than changes, and no line is wider than a terminal unless a word is."""
    lines = shown(*changes, full=full)
    assert lines[0] == ""
    summary = [line for line in takewhile(bool, lines[1:]) if not line.startswith("  in brief, ")]
    assert 1 <= len(summary) <= len(changes)
    assert {line.split()[0] for line in summary} == {
        "+~-"[["create", "update", "delete"].index(item.action)] for item in changes
    }
    for line in lines:
        assert len(line) <= 80 or max(map(len, line.split(" "))) > 60


def _pods(count: int) -> Change:
    names = {f"api-{number:04}": "replicaset/api-5d4f8c7b9" for number in range(count)}
    return Change.between("pods/shop/of/web", {"stuck": names}, {"stuck": {}}, note="their controllers make new ones")


def test_three_hundred_pods_are_one_line() -> None:
    """By what they are of, with the first names; all names are there when they are asked for."""
    text = shown(_pods(300))
    assert "      stuck: 300 pods of replicaset/api-5d4f8c7b9 (api-0000, api-0001, +298)" in text
    assert len(text) < 12
    assert "      stuck.api-0299: - replicaset/api-5d4f8c7b9" in shown(_pods(300), full=True)


def test_what_is_brief_says_so() -> None:
    """With how much there is, and how to see it; what fits a screen is not shortened at all."""
    short, small = plan_text(plan(_pods(300))), plan_text(plan(_pods(9)))
    assert "  in brief, 6 of 305 lines; --full shows all" in unstyled(short.text)
    assert unstyled(short.everything).split("\n") == shown(_pods(300), full=True)
    assert "--full" not in small.text
    assert small.everything == ""


def test_a_temporary_object_is_one_line() -> None:
    """It is gone when the run ends; its line says so, or the whole plan is shown."""
    script = {"data": {"script": "line\n" * 600}}
    item = Change.between("configmap/kube-system/runbook-ipam-cleanup", None, script, temporary=True)
    lines = shown(item)
    assert lines[:2] == ["", "  + configmap/kube-system/runbook-ipam-cleanup  1 field, for the time of the run"]
    assert len(lines) == 3
    assert len(shown(item, full=True)) > 600


def test_what_is_known_of_a_temporary_object_is_told() -> None:
    """A preview that the server has not checked, and what else has to be known, once for all that it is known of."""
    note = "computed here, not checked by the server: this identity may not write it"
    many = [Change.between(f"node/node-{number}", {}, {"a": "b"}, temporary=True, note=note) for number in range(30)]
    assert f"  note: node/node-0, node/node-1, +28: {note}"[:60] in "\n".join(shown(*many))
    assert sum("computed here" in line for line in shown(*many)) == 1


def test_many_of_a_kind_share_a_line() -> None:
    """Forty nodes that are cordoned alike, and forty that were already."""
    nodes = [
        Change.between(f"node/node-{number:02}", {"spec": {}}, {"spec": {"unschedulable": True}})
        for number in range(40)
    ]
    already = [{"address": f"node/node-{number}", "reason": "cordoned already"} for number in range(50, 90)]
    lines = shown(*nodes, already=already)
    assert lines[1] == "  ~ node (40): node-00, node-01, +38  1 field"
    assert "  = node/node-50, node/node-51, +38: cordoned already" in lines


def test_a_field_that_changes_is_never_left_out() -> None:
    """Whatever else is long: who approves a change has seen each field that it changes."""
    config = {"data": {"config": "".join(f"- 10.{number}.0.0/16\n" for number in range(60))}}
    after = {"data": {"config": config["data"]["config"].replace("10.30.0.0/16", "192.0.2.0/24")}, "kind": "changed"}
    lines = shown(Change.between("configmap/kube-system/ip-masq-agent", config, after), _pods(300))
    assert {"        -- 10.30.0.0/16", "        +- 192.0.2.0/24", "      kind: + changed"} <= set(lines)


def test_an_irreversible_one_says_so_twice() -> None:
    """Also where its name leaves no room beside it, and where it is there for the time of the run."""
    passing = Change.between("a/b", None, {"data": {"text": "line\n" * 60}}, reversible=False, temporary=True)
    assert shown(passing)[1] == "  + a/b  1 field, for the time of the run, IRREVERSIBLE"
    assert "      IRREVERSIBLE" in shown(passing)
    name = "configmap/kube-system/" + "a" * 63
    lines = shown(Change.between(name, {"data": {"a": "b"}}, None, reversible=False))
    assert "      IRREVERSIBLE" in lines
    assert max(len(line) for line in lines) <= 91
