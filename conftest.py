"""Fixtures of all tests: no test reaches the network or this machine's credentials, and one control plane for all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from remediation.catalogue import scenarios
from runbook_sandbox.control_plane import ControlPlane, running_or_reason
from runbook_sandbox.control_plane.stages import FAULTS

pytest_plugins = ["tests.catalogue"]
_ROOT = Path(__file__).parent

# The first text of a fresh clone takes hypothesis seconds (it builds a table of Unicode), which says nothing about us.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if os.environ.get("CI") != "true":  # there, hypothesis has a profile of its own that draws the same examples every time
    settings.load_profile("here")

# All that a test may know of whoever runs it; credentials, proxies, stores, languages and widths are theirs. What starts
# before the first test, such as a control plane, must not know them either, so they are gone before anything is collected.
_KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "KUBEBUILDER_ASSETS", "CI", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
_KEPT_PREFIXES = ("PYTEST_", "EVERY_", "COV_", "COVERAGE_")
for _name in [name for name in os.environ if name not in _KEPT and not name.startswith(_KEPT_PREFIXES)]:
    del os.environ[_name]
os.umask(0o022)

# So many workers start a real control plane; each of these takes a tenth of a processor for as long as it lives.
_PLANES = 2
_CONTRACT = "tests/contract/"
_LONG = ("tests/sandbox/test_sandbox.py", "tests/contract/")


class _Scheduling(LoadScopeScheduling):
    """Let one worker run all of a file, which shares a world, and few of them all that needs a real control plane."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if _is_real(nodeid):
            return f"control-plane-{crc32(file.encode()) % _PLANES}"
        return f"{file} {_scenario(nodeid)}" if file.startswith(_CONTRACT) else file


def _scenario(nodeid: str) -> str:
    """Return the scenario of a test of the contract, whose tests share what was measured once."""
    names = sorted(scenarios.load(), key=len, reverse=True)
    return next((name for name in names if name in nodeid.partition("[")[2]), "")


@cache
def _needs_a_plane(file: str) -> bool:
    return "control_plane: ControlPlane" in (_ROOT / file).read_text("utf-8")


def _is_real(nodeid: str) -> bool:
    return "[real" in nodeid or _needs_a_plane(nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Scheduling | None:
    """Say who runs what; a sweep has few tests, each of minutes, which everybody takes as they come."""
    return None if os.environ.get("EVERY_POINT") else _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first: otherwise one worker is at it alone when all others have ended."""
    items.sort(key=lambda item: (not _is_real(item.nodeid), not item.nodeid.startswith(_LONG)))


_HOMES = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


@pytest.fixture(autouse=True)
def _no_ambient_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give each test homes of its own, and nobody's credentials."""
    # The metadata server is a credential too; nothing listens on the discard port.
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for name in _HOMES:
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[ControlPlane]:
    """Share one real control plane with 3 nodes; take a namespace of your own from it."""
    with ControlPlane.start(tmp_path_factory.mktemp("control-plane"), faults=FAULTS) as plane:
        yield plane


@pytest.fixture(scope="session")
def assets() -> Path:
    """Return the directory of the control plane's programs; skip where there are none, and fail in CI."""
    found = running_or_reason()
    if isinstance(found, Path):
        return found
    # A pipeline that quietly skips these tests would be green without having proved anything.
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must run the tests on a real control plane: {found}")
    pytest.skip(found)
