"""What a plan or journal keeps of a runbook's objects reads back as the same objects, in a later process too."""

from __future__ import annotations

import ast
import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

import remediation
from remediation import diffing, records
from remediation.changes import Change
from remediation.checks.kubernetes import DaemonSetRolledOut
from remediation.engine.kept import kept
from remediation.engine.operations import Operation
from remediation.errors import RunbookError
from remediation.facts.registry import Credential
from remediation.model import Ensure
from remediation.resources.iam import ProjectIamMember
from remediation.resources.kubernetes import KubernetesObject
from remediation.resources.service_account_key import ServiceAccountKey
from tests.model.test_diffing import documents

ROOT = Path(remediation.__file__).parent
OBJECTS = [
    ProjectIamMember("example-prod", "roles/viewer", "user:a@example.com"),
    KubernetesObject("v1", "ConfigMap", "x", "shop", {"data": {"list": ["a", {"b": [1, None]}]}}),
    ServiceAccountKey("puller@example-prod.iam.gserviceaccount.com", ("one", "two")),
    DaemonSetRolledOut("kube-system", "x"),
]


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_an_object_reads_back(value: object) -> None:
    """Through JSON text and back it is equal, tuples included."""
    assert records.from_record(json.loads(json.dumps(records.to_record(value)))) == value


@given(documents, documents)
def test_an_operation_reads_back(before: object, after: object) -> None:
    """With its change, whose edits know absent from null and which keeps what they lead to, and with its check."""
    whole = Change.between("configmap/shop/x", before or None, after or None)  # type: ignore[arg-type] # documents are dicts
    change = replace(whole, before=kept(whole, whole.before), after=kept(whole, whole.after))
    assert all(diffing.get(change.before, edit.path) == edit.old for edit in change.edits)
    for operation in (
        Operation("change", OBJECTS[0], change),
        Operation("restore", OBJECTS[1], None, None, 3),
        Operation("ensure", ensure=Ensure(DaemonSetRolledOut("kube-system", "x"), within=5.0)),
    ):
        assert Operation.from_json(json.loads(json.dumps(operation.as_json()))) == operation


def test_every_module_with_records_is_known() -> None:
    """A new process imports what it has to in order to read a journal."""
    marked = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and any(getattr(item, "id", "") == "recorded" for item in node.decorator_list)
    }
    assert marked == set(records._MODULES)
    for name in marked:
        importlib.import_module(name)


def test_only_what_is_marked_is_written() -> None:
    """A dataclass that nobody meant for the journal does not get there, not even under the name of another."""
    credential = Credential("a@example.com", "1", "hunter2")
    for value in (credential, [credential], {"x": credential}):
        with pytest.raises(TypeError, match="Credential is not marked"):
            records.to_record(value)
    with pytest.raises(TypeError, match="two kinds of records are called ServiceAccountKey"):
        records.recorded(type("ServiceAccountKey", (), {}))
    assert records.from_record(records.to_record(OBJECTS[2])) == OBJECTS[2]


def test_a_kind_of_another_version_is_named() -> None:
    """A journal of a newer version ends in a sentence, not in a traceback."""
    with pytest.raises(RunbookError, match="'FutureThing' that this version does not have"):
        records.from_record({"$type": "FutureThing", "x": 1})
