"""The shape of the code: imports point one way, modules stay small, names mean something."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import remediation
from remediation.model import errors

ROOT = Path(remediation.__file__).parent.parent
FILES = [
    path
    for name in ("remediation", "runbook_sandbox", "runbooks")
    for path in sorted((ROOT / name).rglob("*.py"))
    if "tests" not in path.parts
]
OURS = re.compile(r"remediation\.|runbooks|runbook_sandbox")
SDKS = {"kubernetes", "google", "grpc", "urllib3", "requests"}
# The rooms of `remediation`, from the ground up: each may import the rooms named here, and itself.
MAY = {
    "model": set(),
    "journal": {"model"},
    "access": {"journal", "model"},
    "catalogue": {"model"},
    "providers": {"access", "journal", "model"},
    "engine": {"catalogue", "journal", "model"},
    "verbs": {"access", "catalogue", "engine", "journal", "model", "providers"},
    "cli": {"catalogue", "model", "verbs"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= (
                {f"{node.module}.{alias.name}" for alias in node.names}
                if node.module == "remediation"
                else {node.module}
            )
    return found


def modules(path: Path) -> set[str]:
    """Return every module that a file names, as it names it."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module
    }


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[1].removesuffix(".py")


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.parts[-2:] != ("remediation", "__init__.py")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_imports_point_one_way(path: Path) -> None:
    """Each room imports only what is below it, and SDKs are the business of the clients."""
    if path.is_relative_to(ROOT / "runbook_sandbox"):
        assert not {name.split(".")[0] for name in imports(path)} & {"remediation", "runbooks"}, path
        return
    ours = {
        name.split(".")[1] for name in imports(path) if name.startswith("remediation.") and len(name.split(".")) > 1
    }
    if path.is_relative_to(ROOT / "runbooks"):
        # A row knows the author API and its own files, which it names relative to itself; so it can be moved and deleted as one.
        assert not [name for name in modules(path) if OURS.match(name)], path
        return
    here = room(path)
    if here in MAY:
        assert ours <= MAY[here] | {here}, path
    if here == "providers":
        wing = f"remediation.providers.{path.relative_to(ROOT).parts[2].removesuffix('.py')}"
        others = {name for name in imports(path) if name.startswith("remediation.providers.")}
        assert all(name.startswith(wing) for name in others), path
    if here not in ("testing", "cli"):
        # The catalogue looks into the folder of the runbooks, and imports none of them by name.
        seen = imports(path) - ({"runbooks"} if here == "catalogue" else set())
        assert not any(name.startswith(("runbook_sandbox", "runbooks")) for name in seen), path
    sdks = {name.split(".")[0] for name in imports(path)} & SDKS
    assert not sdks or here == "providers", path


def test_one_folder_knows_which_database_the_journal_is() -> None:
    """Another store can take its place: nobody else names SQLite or its errors, and one function chooses."""
    folder = ROOT / "remediation" / "journal"
    outside = [path for path in FILES if not path.is_relative_to(folder / "sqlite") and room(path) != "testing"]
    knowing = {path for path in outside if {name for name in modules(path) if "sqlite" in name}}
    assert knowing == {folder / "stores.py"}


@pytest.mark.parametrize("words", [["--help"], ["list"], ["list", "-o", "json"], ["run", "--help"]])
def test_starting_loads_no_sdk(words: list[str]) -> None:
    """Help and lists load neither an SDK nor the engine's libraries."""
    code = f"import sys; sys.argv = ['runbook', *{words!r}]\nfrom remediation.cli.main import _run\n_run('runbook')\nprint([m for m in {sorted(SDKS)!r} + ['structlog', 'yaml'] if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    """A module has at most 300 lines, a function 45, a runbook 60 with the text that people read; most have far fewer."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            most = 60 if path.is_relative_to(ROOT / "runbooks") else 45
            assert (node.end_lineno or 0) - node.lineno < most, node.name


def test_no_empty_names() -> None:
    """Nothing is called util, helper, misc, manager or handler."""
    words = re.compile(r"^(utils?|helpers?|misc|managers?|handlers?|playbooks?|actions?)$")
    assert [path for path in FILES if words.match(path.stem)] == []


def test_the_error_tree_is_drawn_as_it_is() -> None:
    """The docstring names every error class under its base, with its exit code and status where they differ from it."""
    drawing = (errors.__doc__ or "").split("::")[1].split("Each says")[0]
    above: list[type] = []
    drawn = set()
    for indent, name, rest in re.findall(r"^( *[│├└─ ]*)([A-Z]\w+)(.*)$", drawing, re.M):
        depth, found = len(indent) // 4 - 1, getattr(errors, name)
        above[depth:] = [found]
        drawn.add(found)
        if depth:
            assert found.__base__ is above[depth - 1], name
        told = re.match(r" +exit (\d) +(\w+)", rest)
        expected = (int(told[1]), told[2]) if told else (above[depth - 1].exit_code, above[depth - 1].status)  # type: ignore[attr-defined] # all are errors
        assert (found.exit_code, found.status) == expected, name
    classes = {
        item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, errors.RunbookError)
    }
    assert classes == drawn


def test_public_names_exist() -> None:
    """Everything that runbooks may import is there."""
    for name in dir(remediation):
        assert getattr(remediation, name) is not None
    with pytest.raises(AttributeError):
        remediation.nothing  # noqa: B018 - asking is the test


def test_hints_are_made_of_constants() -> None:
    """The sentence of an advice is a constant of ours: what was read stands in a place of its own, and is quoted."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "advice"
        if not isinstance(node.args[0], ast.Constant)
    ]
    assert wrong == []


def test_one_place_writes() -> None:
    """Verbs write with `say`: no other way out of the command line, so that none can forget to escape."""
    wrong = []
    for path in (ROOT / "remediation" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            ways = r"p?print|echo\w*|secho|click\.(echo\w*|secho|confirm|prompt|style|pause)|sys\.\w+\.write\w*|os\.write|traceback\.print\w+"
            if re.fullmatch(ways, name) and path.name != "console.py":
                wrong.append(f"{path.name}:{node.lineno} {name}")
    assert wrong == []


def test_waits_can_be_ended() -> None:
    """Whoever waits, waits with the token of the run; only what is over in a moment, or is no part of a run, sleeps."""
    calls = {
        path.relative_to(ROOT).as_posix(): "time.sleep(" in path.read_text("utf-8")
        for path in FILES
        if path.relative_to(ROOT).parts[0] != "runbook_sandbox"
        and path.relative_to(ROOT).parts[:2] not in (("remediation", "scenarios"), ("remediation", "testing"))
    }
    brief = {
        "remediation/access/silence.py",  # its thread only watches
        "remediation/journal/sqlite/database.py",  # 4 ms, and what was done is recorded also where the run shall end
        "remediation/providers/kubernetes/watching.py",  # 20 ms
        "remediation/verbs/breaking.py",  # breaks what a rehearsal repairs
    }
    assert {path for path, sleeps in calls.items() if sleeps} <= brief


# What belongs to a process and its person, and is told to whoever carries out a verb as a value.
OF_A_PROCESS = re.compile(
    r"sys\.(stdin|stdout|stderr|argv|exit)|os\.(environb?|getenv\w*|_exit)|getpass\.\w+|(print|input|exit|quit)|\w+\.isatty"
)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.is_relative_to(ROOT / "remediation") and room(path) in MAY and room(path) != "cli"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_below_the_command_line_nobody_prints_asks_or_exits(path: Path) -> None:
    """Twenty runs in one process share its streams and its environment, so only the command line knows of them."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    used |= {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    assert not [name for name in used if OF_A_PROCESS.fullmatch(name)]
    assert not {name.split(".")[0] for name in modules(path)} & {"click", "getpass"}
    taken = {f"{node.module}.{item.name}" for node in nodes if isinstance(node, ast.ImportFrom) for item in node.names}
    assert not [name for name in taken if OF_A_PROCESS.fullmatch(name)]


# What a process keeps, which is never about a run: what its code defines, and what follows from an argument alone.
OF_THE_CODE = {
    "remediation/catalogue/sources.py": {"_folders", "_installed"},  # where runbooks are
    "remediation/catalogue/surveyed.py": {"surveys"},
    "remediation/journal/holder.py": {"_boot", "_namespace"},  # of this host
    "remediation/model/records.py": {"_KINDS", "_FINDERS"},
    "remediation/model/targets.py": {"_KINDS", "_FINDERS"},
    "remediation/model/versions.py": {"RECORDS"},
    "remediation/providers/__init__.py": {"named", "_wings"},
    "remediation/providers/kubernetes/sdk.py": {"_imported"},
    "runbooks/ip_masq_agent/config/document.py": {"read"},
    "runbooks/ip_masq_agent/config/fitting.py": {"_numbers"},
    "runbooks/ip_masq_agent/config/loading.py": {"configuration_loader"},
}
# What can be added to; a table that is written down in full is read by everybody and changed by nobody.
_GROWS = re.compile(
    r"\{\}|\[\]|(set|dict|list|deque|defaultdict|Counter|ContextVar|local|WeakKeyDictionary)\(.*\)", re.S
)


def _kept(tree: ast.Module) -> set[str]:
    """Return the names of a module that may come to hold something while it is used."""
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and value is not None and _GROWS.fullmatch(ast.unparse(value)):
            found |= {ast.unparse(item) for item in getattr(node, "targets", [getattr(node, "target", None)]) if item}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            marks = {ast.unparse(mark).partition("(")[0].rpartition(".")[2] for mark in node.decorator_list}
            found |= {node.name} if marks & {"cache", "lru_cache"} else set()
    return found


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in FILES
        if path.relative_to(ROOT).parts[0] == "runbooks"
        or (path.is_relative_to(ROOT / "remediation") and room(path) in MAY and room(path) != "cli")
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_process_keeps_nothing_of_a_run(path: Path) -> None:
    """Twenty runs in one process share its modules, so no module remembers what it was called with."""
    known = OF_THE_CODE.get(path.relative_to(ROOT).as_posix(), set())
    assert _kept(ast.parse(path.read_text("utf-8"))) == known


def test_packages_are_fetched_and_not_kept() -> None:
    """No archive lies beside the code: what is installed is locked by hash, and comes from a registry."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert [name for name in tracked.stdout.splitlines() if name.endswith((".whl", ".gz", ".zip", ".tar"))] == []
