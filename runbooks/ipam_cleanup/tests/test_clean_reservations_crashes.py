"""The reservation script killed anywhere, given any node, and beside the real host-local."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbooks.ipam_cleanup.tests.reservation_node import LIVE_IP, OLD, Node, conflist, container_id, reservation

COMMANDS = ("wc", "timeout", "find", "sort", "stat", "mountpoint", "mkdir", "sync", "mv", "flock", "ln", "rm")
# Kills the script, which leads its session, instead of running its command number KILL_AT.
KILLER = """#!/bin/bash
number=1
until /bin/mkdir {slots}/$number 2> /dev/null; do number=$((number + 1)); done
read -r _ _ _ _ _ leader _ < /proc/self/stat
if (( number == KILL_AT )); then kill -9 "$leader"; exit 1; fi
exec {program} "$@"
"""
# Moves only the first of many files, then kills the script.
HALF_MOVE = """#!/bin/bash
[[ $1 == -n ]] || exec /bin/mv "$@"
/bin/mv -n -t "$3" -- "$5"
read -r _ _ _ _ _ leader _ < /proc/self/stat
kill -9 "$leader"
"""
LEAKED = {"192.0.2.3", "192.0.2.4"}


def run_and_kill(node: Node, mode: str, kill_at: int) -> bool:
    """Run the script, kill it before one of its commands, and return whether that command was reached."""
    wrappers = node.root / "wrappers"
    slots = node.root / "slots"
    wrappers.mkdir()
    slots.mkdir()
    for name in COMMANDS:
        wrapper = wrappers / name
        wrapper.write_text(KILLER.format(slots=slots, program=shutil.which(name)))
        wrapper.chmod(0o755)
    process = node.start(mode, PATH=f"{wrappers}:{os.environ['PATH']}", KILL_AT=str(kill_at))
    process.communicate(timeout=90)
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kill_at", range(1, 21))
def test_clean_killed_before_each_command(node: Node, kill_at: int) -> None:
    """A second attempt of the same run ends with every leaked file in quarantine and every other file in place."""
    killed = run_and_kill(node, "clean", kill_at)
    assert killed is (kill_at <= 16)
    assert node.files() | node.quarantined() == {LIVE_IP, *LEAKED}
    assert not node.files() & node.quarantined()
    result = node.run()
    assert (result["status"], set(result["quarantined"]), node.files()) == ("ok", LEAKED, {LIVE_IP})
    assert len((node.quarantine.parent / "manifest").read_text().splitlines()) == 2


def test_clean_killed_between_two_renames(node: Node) -> None:
    """Each file that was already moved is in the manifest, and a second attempt moves the rest."""
    wrappers = node.root / "wrappers"
    wrappers.mkdir()
    (wrappers / "mv").write_text(HALF_MOVE)
    (wrappers / "mv").chmod(0o755)
    process = node.start("clean", PATH=f"{wrappers}:{os.environ['PATH']}")
    process.communicate(timeout=90)
    assert (process.returncode, node.quarantined(), node.files()) == (
        -signal.SIGKILL,
        {"192.0.2.3"},
        {LIVE_IP, "192.0.2.4"},
    )
    assert "192.0.2.3" in (node.quarantine.parent / "manifest").read_text()
    assert node.run()["quarantined"] == sorted(LEAKED)


@pytest.mark.parametrize("kill_at", range(1, 13))
def test_restore_killed_before_each_command(node: Node, kill_at: int) -> None:
    """No reservation is ever missing from both places, and a second attempt finishes the restore."""
    node.run()
    node.running("web", "gone-1", "gone-2")
    killed = run_and_kill(node, "restore", kill_at)
    assert killed is (kill_at <= 9)
    assert node.files() | node.quarantined() == {LIVE_IP, *LEAKED}
    node.run("restore")
    assert (node.files(), node.quarantined()) == ({LIVE_IP, *LEAKED}, set())


def test_terminated_script_still_reports(node: Node) -> None:
    """A script that is asked to stop leaves a result that says so."""
    node.program("ctr", f"touch {node.root}/asked; sleep 1; cat {node.root}/ids")
    process = node.start("clean")
    while not (node.root / "asked").exists():
        time.sleep(0.01)
    process.terminate()
    result = json.loads(process.communicate(timeout=90)[0])
    assert (process.returncode, result["status"], node.files()) == (0, "failed", {LIVE_IP, *LEAKED})


def test_missing_command_in_the_image_is_reported(node: Node) -> None:
    """An image without a needed command makes a refused or failed result, never a move."""
    programs = node.root / "programs"
    programs.mkdir()
    for name in ("bash", "env", "timeout", "wc", "cat"):
        (programs / name).symlink_to(shutil.which(name) or "")
    result = node.run(PATH=str(programs))
    assert (result["status"], node.files()) == ("failed", {LIVE_IP, *LEAKED})


def test_result_without_a_termination_log(node: Node) -> None:
    """A log that cannot be written does not hide the result on standard output."""
    process = node.start("inspect", TERMINATION_LOG=str(node.root / "missing" / "log"))
    stdout, stderr = process.communicate(timeout=90)
    assert (json.loads(stdout)["status"], stderr, process.returncode) == ("ok", "", 0)


OUTSIDE = ["198.51.100.4", "2001:db8:1::1"]
ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.30", "192.0.2.255", "2001:db8::1", "2001:db8::ff", *OUTSIDE]
FAILURES = ["", "", "", "exit 3", "echo garbage", "if (( turn == 2 )); then exit 1; fi", 'cut -c1-13 "$list"; exit']
OWNERS = ["alpha", "beta", "gamma", "delta", "epsilon"]
AGES = [-5, 0, 800, 1200, OLD]


@dataclass(frozen=True)
class Situation:
    """A node with some reservations and a runtime that may fail."""

    reservations: dict[str, tuple[str, int]]
    listings: list[list[str]]
    failure: str
    live: list[str] = field(default_factory=list)
    maximum: int = 250


listing = st.lists(st.sampled_from(OWNERS), unique=True, min_size=1)
situations = st.builds(
    Situation,
    st.dictionaries(st.sampled_from(ADDRESSES), st.tuples(st.sampled_from(OWNERS), st.sampled_from(AGES)), min_size=2),
    st.lists(listing, min_size=2, max_size=2),
    st.sampled_from(FAILURES),
    st.lists(st.sampled_from(ADDRESSES), max_size=1),
    st.sampled_from([1, 250]),
)


def arrange(root: Path, situation: Situation) -> Node:
    """Make the node of a situation."""
    node = Node(root)
    for address, (owner, age) in situation.reservations.items():
        node.reserve(address, owner, age=age)
    for turn, owners in enumerate(situation.listings, start=1):
        (root / f"list-{turn}").write_text("".join(f"{container_id(owner)}\n" for owner in owners))
    choose = f"turn=1; [[ ! -e {root}/asked ]] || turn=2; touch {root}/asked; list={root}/list-$turn"
    node.program("ctr", f'{choose}\n{situation.failure}\ncat "$list"')
    node.live(*situation.live)
    return node


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(situations)
def test_no_live_reservation_ever_moves(situation: Situation) -> None:
    """Whatever the runtime says, files stay whose ID it lists or whose address is live, and no file is lost."""
    with tempfile.TemporaryDirectory() as directory:
        node = arrange(Path(directory), situation)
        result = node.run(MAX_RESERVATIONS=str(situation.maximum))
        listed = {owner for owners in situation.listings for owner in owners}
        kept = {
            address
            for address, (owner, age) in situation.reservations.items()
            if owner in listed or address in situation.live or age < 900 or address in OUTSIDE
        }
        assert kept <= node.files()
        assert not node.files() & node.quarantined()
        assert node.files() | node.quarantined() == set(situation.reservations)
        assert len(node.quarantined()) <= situation.maximum
        assert set(result["quarantined"]) == node.quarantined()
        if situation.failure or result["status"] == "refused":
            assert not node.quarantined()


PLUGINS = [Path("/opt/cni/bin/host-local"), Path("/usr/lib/cni/host-local")]
HOST_LOCAL = next((path for path in PLUGINS if path.exists()), None)
needs_host_local = pytest.mark.skipif(HOST_LOCAL is None, reason="the host-local plugin is not installed")


def plugin_node(root: Path) -> Node:
    """Return a node whose reservations the real plugin makes, from the first of 5 usable addresses on."""
    node = Node(root)
    (node.reservations / "last_reserved_ip.0").unlink()
    (node.conf / "10-gke.conflist").write_text(conflist(dataDir=str(node.networks)))
    ipam = {"type": "host-local", "dataDir": str(node.networks), "ranges": [[{"subnet": "192.0.2.0/29"}]]}
    (root / "request").write_text(json.dumps({"cniVersion": "0.3.1", "name": node.network, "ipam": ipam}))
    return node


def start_plugin(node: Node, command: str, owner: str) -> subprocess.Popen[str]:
    """Start the real plugin for a container."""
    variables = {
        "COMMAND": command,
        "CONTAINERID": container_id(owner),
        "NETNS": "/netns",
        "IFNAME": "eth0",
        "PATH": "/",
    }
    environment = {f"CNI_{name}": value for name, value in variables.items()}
    with (node.root / "request").open() as request:
        return subprocess.Popen([str(HOST_LOCAL)], env=environment, stdin=request, stdout=subprocess.PIPE, text=True)


def call_plugin(node: Node, command: str, owner: str) -> str:
    """Run the real plugin to its end and return what it prints."""
    return start_plugin(node, command, owner).communicate(timeout=60)[0]


@needs_host_local
def test_exhausted_node_allocates_again(tmp_path: Path) -> None:
    """The real plugin allocates again after the run, and its DEL does not reach into the quarantine."""
    node = plugin_node(tmp_path)
    for owner in ["web", "gone-1", "gone-2", "gone-3", "gone-4"]:
        assert "192.0.2." in call_plugin(node, "ADD", owner)
    for path in node.reservations.glob("192.*"):
        os.utime(path, (time.time() - OLD,) * 2)
    assert "no IP addresses available" in call_plugin(node, "ADD", "new")
    node.running("web")
    node.live("192.0.2.2")
    assert node.run(DATA_DIR=str(node.networks))["quarantined_count"] == 4
    assert "192.0.2." in call_plugin(node, "ADD", "new")
    assert call_plugin(node, "DEL", "gone-4") == ""
    assert len(node.quarantined()) == 4
    assert (node.reservations / "192.0.2.2").read_bytes().decode() == reservation(container_id("web"))


@needs_host_local
def test_real_plugin_waits_for_the_same_lock(tmp_path: Path) -> None:
    """The lock that the script takes is the one that the real plugin waits for."""
    node = plugin_node(tmp_path)
    with (node.reservations / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = start_plugin(node, "ADD", "web")
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.5)
    assert "192.0.2.2" in process.communicate(timeout=60)[0]
