"""Diffs apply, reverse and guard, whatever the documents are."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.model import diffing
from remediation.model.changes import Change

names = st.sampled_from(["a", "b", "c", "name/with~signs"])
leaves = st.one_of(st.booleans(), st.integers(0, 3), st.text("xy", max_size=2))
elements = st.lists(
    st.fixed_dictionaries({"name": names, "value": leaves}), max_size=3, unique_by=lambda item: item["name"]
)
documents = st.dictionaries(
    names,
    st.recursive(
        st.one_of(leaves, elements), lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=6
    ),
    max_size=4,
)


def same(one: Any, other: Any) -> bool:
    """Compare documents; the order of a named list means nothing, and true is not 1."""
    if (
        isinstance(one, list)
        and isinstance(other, list)
        and diffing.is_named_list(one)
        and diffing.is_named_list(other)
    ):
        return same({item["name"]: item for item in one}, {item["name"]: item for item in other})
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


@given(documents, documents)
def test_a_diff_leads_from_before_to_after(before: Any, after: Any) -> None:
    """Applying the edits gives the other document, apart from parents that became empty."""
    edits = diffing.diff(before, after)
    assert same(diffing.prune(diffing.apply(before, edits), edits, after), after)


@given(documents, documents)
def test_the_reverse_leads_back_exactly(before: Any, after: Any) -> None:
    """The reversed edits restore the first document."""
    reverse = Change.between("x", before, after).reverse()
    assert same(diffing.prune(diffing.apply(after, reverse.edits), reverse.edits, before), before)


@given(documents, documents)
def test_a_patch_does_the_same_and_is_guarded(before: Any, after: Any) -> None:
    """RFC 6902 gives the same result, and every change follows a test of the old value."""
    edits = diffing.diff(before, after)
    operations = diffing.json_patch(before, edits, after)
    known = [item for item in operations if not (item["op"] == "test" and item["value"] is None)]
    assert same(jsonpatch.apply_patch(copy.deepcopy(before), known), after)
    for position, operation in enumerate(operations):
        if operation["op"] != "test":
            assert operations[position - 1]["op"] == "test"
            assert operations[position - 1]["path"] == operation["path"]


@given(documents, documents, documents)
def test_other_peoples_fields_survive_an_undo(before: Any, after: Any, theirs: Any) -> None:
    """An undo on a document with a foreign field leaves that field alone."""
    reverse = Change.between("x", before, after).reverse()
    later = copy.deepcopy(after) | {"theirs": theirs}
    if reverse.action == "update":
        undone = diffing.prune(diffing.apply(later, reverse.edits), reverse.edits, before)
        assert undone["theirs"] == theirs


@given(documents, documents)
def test_paths_survive_being_written(before: Any, after: Any) -> None:
    """A pointer reads back as the path it was made from."""
    for edit in diffing.diff(before, after):
        assert diffing.parse_pointer(edit.pointer) == edit.path


def test_a_list_that_is_written_as_a_whole_takes_in_its_elements() -> None:
    """One element changes and another goes: the guard of the list meets the list as it was."""
    before = {"c": [{"name": "a", "value": 1}, {"name": "b", "value": 1}]}
    after = {"c": [{"name": "a", "value": 2}]}
    operations = diffing.json_patch(before, diffing.diff(before, after), after)
    assert jsonpatch.apply_patch(before, operations) == after


def test_a_stale_document_fails_the_patch() -> None:
    """A patch made for one value does not apply to another."""
    edits = diffing.diff({"a": 1}, {"a": 2})
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch({"a": 3}, diffing.json_patch({"a": 1}, edits))


def test_elements_of_a_named_list_are_fields_of_their_own() -> None:
    """Two people who add different pull secrets do not collide."""
    change = Change.between("x", {"imagePullSecrets": []}, {"imagePullSecrets": [{"name": "ours"}]})
    later = {"imagePullSecrets": [{"name": "ours"}, {"name": "theirs"}]}
    assert change.reverse().drifted(later) == []
    assert diffing.apply(later, change.reverse().edits) == {"imagePullSecrets": [{"name": "theirs"}]}
