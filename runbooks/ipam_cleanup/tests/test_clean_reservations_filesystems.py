"""The reservation script on filesystems that are full, read-only or not what they seem, and in the node's own root."""

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runbooks.ipam_cleanup.tests.reservation_node import LIVE_IP, Node, leaking_node


def may_mount() -> bool:
    """Tell whether this user may mount; root in a container often may not."""
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return os.geteuid() == 0 and tried.returncode == 0


needs_mounts = pytest.mark.skipif(os.environ.get("CI") != "true" and not may_mount(), reason="this user may not mount")


def stays(node: Node) -> dict[str, Any]:
    """Run a clean that moves nothing and return its result."""
    result = node.run()
    assert (node.files(), node.quarantined()) == ({LIVE_IP, "192.0.2.3", "192.0.2.4"}, set())
    return result


def mounted(path: Path, *options: str) -> Callable[[], object]:
    """Mount a filesystem and return what unmounts it."""
    subprocess.run(["mount", *options, str(path)], check=True)
    return partial(subprocess.run, ["umount", "-l", str(path)], check=True)


@needs_mounts
def test_read_only_directory(node: Node, request: pytest.FixtureRequest) -> None:
    """A read-only filesystem is a failure with a report, not a crash."""
    request.addfinalizer(mounted(node.networks, "--bind", str(node.networks)))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(node.networks)], check=True)
    result = stays(node)
    assert (result["status"], "cannot create the quarantine" in result["reason"]) == ("failed", True)


@needs_mounts
def test_network_directory_on_another_filesystem(node: Node, request: pytest.FixtureRequest) -> None:
    """A rename between filesystems would be a copy, so it is refused."""
    request.addfinalizer(mounted(node.reservations, "-t", "tmpfs", "none"))
    other = leaking_node(node.root)
    result = stays(other)
    assert (result["status"], "another filesystem" in result["reason"]) == ("refused", True)


@needs_mounts
def test_full_disk(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Where the manifest cannot be written nothing moves, and a later attempt with space succeeds."""
    (tmp_path / "networks").mkdir()
    request.addfinalizer(mounted(tmp_path / "networks", "-t", "tmpfs", "-o", "size=256k", "none"))
    node = leaking_node(tmp_path)
    (node.networks / ".runbook-quarantine/run-7").mkdir(parents=True)
    filler = subprocess.run(
        ["dd", "if=/dev/zero", f"of={node.networks}/filler", "bs=4k"], capture_output=True, check=False
    )
    assert b"No space left" in filler.stderr
    result = stays(node)
    assert (result["status"], "nothing was moved" in result["reason"]) == ("failed", True)
    assert not (node.quarantine.parent / "manifest").exists()
    (node.networks / "filler").unlink()
    assert node.run()["quarantined_count"] == 2


@needs_mounts
def test_commands_run_inside_the_node_root(node: Node) -> None:
    """Without an override the node's own programs answer, inside the node's root directory."""
    listed = subprocess.run(["ldd", "/bin/dash", "/bin/cat"], capture_output=True, text=True, check=True).stdout
    libraries = {word for word in listed.split() if word.startswith("/") and not word.endswith(":")}
    for program in {"/bin/dash", "/bin/cat", *libraries}:
        target = node.root / "host" / program.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(program).read_bytes())
        target.chmod(0o755)
    (node.root / "host/ids").write_text((node.root / "ids").read_text())
    node.program("ctr", "")
    (node.bin / "ctr").write_text("#!/bin/dash\ncat /ids\n")
    assert node.run(RUNTIME_COMMAND="")["quarantined_count"] == 2
