"""Runbooks of other people: in a folder that is named, or in a package that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import RUNBOOK

ROW = '''"""A runbook of somebody else."""
from typing import Annotated
from remediation import Cluster, KubernetesObject, Namespace, Risk, Steps, runbook

@runbook(id="{id}", risk=Risk.LOW, source="https://example.com/", example="--namespace shop")
def {name}(target: Cluster, namespace: Annotated[Namespace, "where"]) -> Steps:
    """Say hello."""
    yield KubernetesObject("v1", "ConfigMap", "hello", namespace, {{"data": {{"hello": "world"}}}})
'''


def row(folder: Path, name: str, row_id: str = "OWN-01", text: str = ROW) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "runbook.py").write_text(text.format(id=row_id, name=name))
    return folder


def runbook(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RUNBOOK), *words], capture_output=True, text=True, check=False, env=os.environ | env, timeout=60
    )


@pytest.mark.parametrize("way", ["option", "joined", "environment"])
def test_a_folder_that_is_named_is_part_of_the_catalogue(tmp_path: Path, way: str) -> None:
    """Its runbooks are listed, shown and completed beside the others, and what to type next names it again."""
    row(tmp_path, "say_hello")
    named = {"option": ["--catalogue", str(tmp_path)], "joined": [f"--catalogue={tmp_path}"], "environment": []}[way]
    env = {"RUNBOOK_CATALOGUE": str(tmp_path)} if way == "environment" else {}
    listed = runbook("list", *named, **env)
    assert "say-hello" in listed.stdout, listed.stderr
    assert "ip-masq-agent" in listed.stdout
    shown = runbook("show", "say-hello", *named, **env)
    assert shown.stdout.startswith("say-hello  OWN-01"), shown.stderr
    if named:
        assert str(tmp_path) in listed.stdout.rpartition("next:")[2]


def test_a_package_that_is_installed_is_part_of_the_catalogue(tmp_path: Path) -> None:
    """It names itself in its entry points, and nobody has to name it."""
    row(tmp_path / "our_runbooks", "say_hello")
    (tmp_path / "our_runbooks" / "__init__.py").touch()
    about = tmp_path / "our_runbooks-1.0.dist-info"
    about.mkdir()
    (about / "entry_points.txt").write_text("[runbook.catalogues]\nours = our_runbooks\n")
    assert "say-hello" in runbook("list", PYTHONPATH=str(tmp_path)).stdout


@pytest.mark.parametrize(
    ("name", "row_id", "text", "why"),
    [
        ("ip_masq_agent", "OWN-01", ROW, "two runbooks are called 'ip-masq-agent'"),
        ("say_hello", "NET-02", ROW, "two runbooks have the id NET-02: ip-masq-agent and say-hello"),
        (
            "say_hello",
            "OWN-01",
            ROW.replace('Annotated[Namespace, "where"]', "int"),
            "the parameter namespace is annotated",
        ),
        ("say_hello", "OWN-01", ROW.replace("Namespace,", "Nmespace,"), "cannot import name 'Nmespace'"),
        ("say_hello", "OWN-01", "1 / 0", "ZeroDivisionError: division by zero"),
        ("say_hello", "OWN-01", "import sys; sys.exit(0)", "SystemExit: 0"),
        (
            "say_hello",
            "OWN-01",
            ROW.replace("def {name}", "def ip_masq_agent"),
            "two runbooks are called 'ip-masq-agent'",
        ),
    ],
)
def test_a_bad_one_is_refused_in_one_sentence(tmp_path: Path, name: str, row_id: str, text: str, why: str) -> None:
    """What is wrong is named with the place where it is."""
    row(tmp_path, name, row_id, text)
    done = runbook("list", "--catalogue", str(tmp_path))
    assert done.returncode == 2
    assert why in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_bad_one_is_in_nobodys_way(tmp_path: Path) -> None:
    """A runbook that is asked for by name is found, whatever lies beside it."""
    row(tmp_path, "say_hello", text="this is no Python")
    assert runbook("show", "ip-masq-agent", "--catalogue", str(tmp_path)).returncode == 0


def test_a_folder_without_runbooks_is_a_mistake(tmp_path: Path) -> None:
    """A wrong path is told, and not an empty catalogue."""
    done = runbook("list", "--catalogue", str(tmp_path))
    assert done.returncode == 2
    assert "each folder has a runbook.py" in " ".join(done.stderr.split())


def test_whoever_names_none_pays_nothing() -> None:
    """A list loads neither the parser of entry points nor `importlib.metadata`, which takes half as long as the list."""
    code = "import sys; from remediation.catalogue import index; index.entries(); print({'configparser', 'importlib.metadata'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("survey", [None, "{", "[]", '{"say-hello": 7}', '{"other": {}}'])
def test_a_runbook_that_nobody_has_surveyed_has_no_rights_to_show(tmp_path: Path, survey: str | None) -> None:
    """A role without them would look like all that it takes."""
    row(tmp_path, "say_hello")
    if survey is not None:
        (tmp_path / "say_hello" / "surveyed.json").write_text(survey)
    done = runbook("rbac", "say-hello", "--namespace", "shop", "--catalogue", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "surveyed.json" in done.stderr
    assert "remediation.testing.survey" in done.stderr
