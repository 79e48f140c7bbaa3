"""What a plan or journal keeps of a runbook's objects reads back as the same objects, in a later process too."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

import remediation
from remediation.engine.kept import kept
from remediation.engine.operations import Operation
from remediation.model import diffing, records
from remediation.model.changes import Change
from remediation.model.errors import RunbookError
from remediation.model.steps import Ensure
from remediation.providers.google.iam import ProjectIamMember
from remediation.providers.kubernetes.objects import KubernetesObject
from remediation.providers.kubernetes.rollouts import DaemonSetRolledOut
from runbooks.pull_secret.credentials import Credential
from runbooks.pull_secret.service_account_key import ServiceAccountKey
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


def test_a_new_process_finds_every_kind() -> None:
    """Whoever reads a journal imports what it takes to know every kind that is marked, and nobody keeps a list of them."""
    marked = {
        node.name
        for room in ("remediation", "runbooks")
        for path in (ROOT.parent / room).rglob("*.py")
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and any(getattr(item, "id", "") == "recorded" for item in node.decorator_list)
    }
    code = f"from remediation.engine import operations\nfrom remediation.model import records\n[records._kind(name) for name in {sorted(marked)!r}]"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert len(marked) > 10


def test_a_run_is_read_with_its_own_runbook() -> None:
    """The other rows of the catalogue are not loaded for it, nor can they be in its way."""
    created = {
        "runbook": "ip-masq-agent",
        "target": {},
        "target_kind": "cluster",
        "parameters": {},
        "plan": {},
        "operations": [
            {
                "kind": "ensure",
                "of": -1,
                "resource": None,
                "ensure": {"check": {"$type": "AgentsAtDefaults"}, "within": 1, "always": True},
            }
        ],
    }
    code = (
        "import sys\nfrom remediation.engine.reading import require_readable\nfrom remediation.journal import Event\n"
        "import inspect\n"
        f"fields = dict.fromkeys(inspect.signature(Event).parameters, 0) | {{'kind': 'run.created', 'payload': {created!r}}}\n"
        "require_readable(Event(**fields))\n"
        "print([name for name in sys.modules if name.count('.') == 1 and name.startswith('runbooks.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "['runbooks.ip_masq_agent']"


def test_only_what_is_marked_is_written() -> None:
    """A dataclass that nobody meant for the journal does not get there, not even under the name of another."""
    credential = Credential("a@example.com", "1", "hunter2")
    for value in (credential, [credential], {"x": credential}):
        with pytest.raises(TypeError, match="Credential is not marked"):
            records.to_record(value)
    with pytest.raises(
        TypeError, match=r"two kinds of records are called ServiceAccountKey, one in runbooks\.pull_secret"
    ):
        records.recorded(type("ServiceAccountKey", (), {}))
    assert records.from_record(records.to_record(OBJECTS[2])) == OBJECTS[2]


def test_a_kind_of_another_version_is_named() -> None:
    """A journal of a newer version ends in a sentence, not in a traceback."""
    with pytest.raises(RunbookError, match="'FutureThing' that this version does not have"):
        records.from_record({"$type": "FutureThing", "x": 1})
