"""Everything that is installed is locked with its hashes, and the lock is what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
BUILD, RUN = PROJECT["build-system"]["requires"], PROJECT["project"]["dependencies"]
FILES = {"requirements.txt": [], "requirements-dev.txt": PROJECT["project"]["optional-dependencies"]["dev"]}


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Return the version of each package in a lock, and how many hashes it has."""
    lines = (ROOT / name).read_text("utf-8").replace("\\\n", " ").splitlines()
    found = {}
    for line in lines:
        if line and not line.startswith(("#", "--only-binary ")):
            entry = re.fullmatch(r"([a-z0-9-]+)==(\S+)( ; [^#]*?)?((?: +--hash=sha256:[0-9a-f]{64})*) *", line)
            assert entry, f"{name} has a line that locks nothing: {line[:80]}"
            found[entry[1]] = (entry[2], entry[4].count("--hash="))
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_dependency_is_locked_with_hashes(name: str) -> None:
    """Also those of dependencies, and the build backend; only wheels, for building one would run code that is not locked."""
    known = locked(name)
    assert "--only-binary :all:" in (ROOT / name).read_text("utf-8").splitlines()
    assert [package for package, (_, hashes) in known.items() if not hashes] == []
    for wanted in map(Requirement, [*BUILD, *RUN, *FILES[name]]):
        found, _ = known[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(found), f"{wanted} is locked at {found}; run: scripts/lock"


def test_both_locks_agree() -> None:
    """What tests run with is what people get."""
    every = locked("requirements-dev.txt")
    assert {package: every.get(package) for package in locked("requirements.txt")} == locked("requirements.txt")


def test_the_build_backend_is_pinned() -> None:
    """Exactly: whatever builds this runs on the machine that installs it."""
    assert [wanted for wanted in BUILD if not re.fullmatch(r"[a-z-]+==[0-9.]+", wanted)] == []


def test_what_is_installed_is_what_is_locked() -> None:
    """The environment that the tests run in came from the lock."""
    known = locked("requirements-dev.txt")
    names = [canonicalize_name(Requirement(text).name) for text in [*BUILD, *RUN]]
    assert {name: version(name) for name in names} == {name: known[name][0] for name in names}
