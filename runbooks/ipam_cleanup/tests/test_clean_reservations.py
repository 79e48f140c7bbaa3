"""What the reservation script moves, keeps and reports on a node that answers truthfully."""

import json
import os
import time
from pathlib import Path

import pytest

from runbooks.ipam_cleanup.tests.reservation_node import (
    LIVE_IP,
    RUN_ID,
    Node,
    conflist,
    container_id,
    leaking_node,
    reservation,
)


def test_inspect_lists_and_writes_nothing(node: Node) -> None:
    """Inspect names the leaked addresses and leaves every file where it is."""
    before = sorted(path for path in node.networks.rglob("*"))
    result = node.run("inspect")
    assert (result["status"], result["candidate_ips"], result["total"], result["live"]) == (
        "ok",
        ["192.0.2.3", "192.0.2.4"],
        3,
        1,
    )
    assert sorted(path for path in node.networks.rglob("*")) == before


def test_clean_moves_only_leaked_reservations(node: Node) -> None:
    """Clean moves the leaked files unchanged and leaves the live one and host-local's own files."""
    original = (node.reservations / "192.0.2.3").stat()
    result = node.run()
    assert (result["status"], result["quarantined"]) == ("ok", ["192.0.2.3", "192.0.2.4"])
    assert (node.files(), node.quarantined()) == ({LIVE_IP}, {"192.0.2.3", "192.0.2.4"})
    moved = (node.quarantine / "192.0.2.3").stat()
    assert (moved.st_ino, moved.st_mtime_ns, moved.st_mode) == (original.st_ino, original.st_mtime_ns, original.st_mode)
    assert (node.reservations / "last_reserved_ip.0").read_text() == LIVE_IP
    assert (node.reservations / "lock").exists()


def test_manifest_names_address_container_and_time(node: Node) -> None:
    """The manifest of the run says what was moved."""
    modified = int((node.reservations / "192.0.2.3").stat().st_mtime)
    node.run()
    lines = (node.quarantine.parent / "manifest").read_text().splitlines()
    assert lines[0] == f"gke-pod-network 192.0.2.3 {container_id('gone-1')} {modified}"
    assert len(lines) == 2


def test_second_run_reports_the_same_quarantine(node: Node) -> None:
    """A second run moves nothing and still reports what this run has quarantined."""
    node.run()
    result = node.run()
    assert (result["status"], result["quarantined"], result["candidates"]) == ("ok", ["192.0.2.3", "192.0.2.4"], 0)


def test_healthy_node_has_nothing_to_do(tmp_path: Path) -> None:
    """A node whose reservations are all live is left alone, without a quarantine directory."""
    node = Node(tmp_path)
    node.reserve(LIVE_IP, "web")
    node.running("web")
    node.live(LIVE_IP)
    assert node.run()["status"] == "nothing_to_do"
    assert not (node.networks / ".runbook-quarantine").exists()


def test_node_without_any_reservation(tmp_path: Path) -> None:
    """An empty directory, or none, is nothing to do."""
    node = Node(tmp_path)
    assert node.run()["status"] == "nothing_to_do"
    for path in node.reservations.iterdir():
        path.unlink()
    node.reservations.rmdir()
    assert node.run()["status"] == "nothing_to_do"


def test_ipv6_and_dual_stack(node: Node) -> None:
    """IPv6 names are reservations too, and a live address may be spelled in another way."""
    node.reserve("2001:db8::a", "gone-3")
    node.reserve("2001:db8::b", "web")
    node.live(LIVE_IP, "2001:0db8:0:0::b")
    result = node.run()
    assert result["quarantined"] == ["192.0.2.3", "192.0.2.4", "2001:db8::a"]
    assert node.files() == {LIVE_IP, "2001:db8::b"}


@pytest.mark.parametrize("age", [0, 30, 800, -600, -86400])
def test_young_or_future_reservation_is_kept(node: Node, age: int) -> None:
    """A file younger than the limit, or from the future after a clock change, may belong to a pod being created."""
    node.reserve("192.0.2.9", "being-created", age=age)
    result = node.run()
    assert "192.0.2.9" in node.files()
    assert [entry["name"] for entry in result["kept"]] == ["192.0.2.9"]
    assert result["kept"][0]["why"] == ("changed in the future" if age < 0 else "too young")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\r\neth0",
        container_id("x"),
        container_id("x")[:63] + "\r\neth0",
        container_id("x").upper() + "\r\neth0",
        container_id("x") + "\neth0",
        container_id("x") + "\r\n",
        reservation(container_id("x")) + "\n",
        reservation(container_id("x")) + "\0",
        "\0" + reservation(container_id("x")),
        "x" * 5000,
    ],
)
def test_malformed_content_is_kept(node: Node, content: str) -> None:
    """A file that host-local would not write like this is kept and reported."""
    node.reserve("192.0.2.9", "", content=content)
    result = node.run()
    assert result["kept"] == [{"name": "192.0.2.9", "why": "malformed content"}]
    assert "192.0.2.9" in node.files()


def test_links_and_directories_are_kept(node: Node) -> None:
    """Only regular files are moved: not a link to a leaked-looking file, not a directory."""
    elsewhere = node.root / "elsewhere"
    elsewhere.write_text(reservation(container_id("gone-9")), newline="")
    (node.reservations / "192.0.2.8").symlink_to(elsewhere)
    (node.reservations / "192.0.2.9").mkdir()
    result = node.run()
    assert {entry["why"] for entry in result["kept"]} == {"not a regular file"}
    assert {"192.0.2.8", "192.0.2.9"} <= node.files()


@pytest.mark.parametrize(
    "name",
    [
        "192.0.2.03",
        "192.0.2.300",
        "192.0.2",
        "192.0.2.5 ",
        " 192.0.2.5",
        "2001:db8::1::2",
        "2001:DB8::5",
        "$(touch x)",
        "a]b",
        "@",
        "192.0.2.5\n",
    ],
)
def test_name_that_is_no_address_is_kept(node: Node, name: str) -> None:
    """A file whose name is not an address as host-local writes it is kept, whatever the name contains."""
    node.reserve(name, "gone-9")
    result = node.run()
    assert [entry["why"] for entry in result["kept"]] == ["not an address"]
    assert name in node.files()


@pytest.mark.parametrize(
    ("cidrs", "moved"), [("192.0.2.0/29", True), ("192.0.2.0/31,2001:db8::/64", False), ("198.51.100.0/24", False)]
)
def test_only_addresses_inside_the_pod_ranges(node: Node, cidrs: str, moved: bool) -> None:
    """An address outside the node's pod ranges is kept, also where the prefix ends inside a digit."""
    result = node.run(POD_CIDRS=cidrs)
    assert (node.files() == {LIVE_IP}) is moved
    assert moved or {entry["why"] for entry in result["kept"]} == {"outside the pod ranges"}


def test_id_is_compared_exactly(node: Node) -> None:
    """A longer text that contains a leaked ID does not keep it: only an equal ID does."""
    node.running("web", "gone-1")
    assert node.run()["quarantined"] == ["192.0.2.4"]


@pytest.mark.parametrize("network", ["gke-pod-network", "k8s-pod-network"])
def test_network_name_comes_from_the_configuration(tmp_path: Path, network: str) -> None:
    """Only the configured network is cleaned, whatever its name; a second network is not touched."""
    node = leaking_node(tmp_path, network)
    other = node.networks / "other-network"
    other.mkdir()
    (other / "192.0.2.7").write_text(reservation(container_id("gone-7")), newline="")
    os.utime(other / "192.0.2.7", (0, 0))
    result = node.run()
    assert (result["network"], result["quarantined_count"]) == (network, 2)
    assert [path.name for path in other.iterdir()] == ["192.0.2.7"]


def test_first_configuration_by_name_counts(node: Node) -> None:
    """The container runtime reads the first file by name, and so does the script."""
    (node.conf / "20-other.conflist").write_text(conflist("other-network"))
    (node.conf / "00-readme.txt").write_text("not a configuration")
    assert node.run("inspect")["network"] == "gke-pod-network"


def test_single_plugin_configuration(node: Node) -> None:
    """A .conf file with one plugin is understood."""
    (node.conf / "10-gke.conflist").unlink()
    single = {
        "name": "gke-pod-network",
        "type": "bridge",
        "ipam": {"type": "host-local", "dataDir": "/var/lib/cni/networks/"},
    }
    (node.conf / "10-gke.conf").write_text(json.dumps(single))
    assert node.run("inspect")["status"] == "ok"


def test_crictl_adds_what_ctr_does_not_list(node: Node) -> None:
    """A container that only crictl knows is alive."""
    node.program(
        "crictl",
        f"""case "$1 $2 $3" in 'pods -q ') echo {container_id("gone-1")};; *) echo {container_id("gone-9")};; esac""",
    )
    assert node.run()["quarantined"] == ["192.0.2.4"]


def test_live_address_saves_a_reservation_on_its_own(node: Node) -> None:
    """An address that the API server reports is never moved, even when the rest of the node is doubtful."""
    node.live(LIVE_IP, "192.0.2.3")
    result = node.run()
    assert (result["status"], node.files()) == ("refused", {LIVE_IP, "192.0.2.3", "192.0.2.4"})


def test_lock_is_held_for_less_than_a_second(tmp_path: Path) -> None:
    """Pods wait less than a second while 250 reservations are moved, and the report still fits."""
    # The shortest of three: whatever else this machine does can only add to the time.
    held = min(_milliseconds_for_250(leaking_node(tmp_path / str(turn))) for turn in range(3))
    assert held < 1000


def _milliseconds_for_250(node: Node) -> int:
    addresses = [f"2001:db8::1:{index:x}:ffff:ffff" for index in range(248)]
    for index, address in enumerate(addresses):
        node.reserve(address, f"gone-{index + 10}")
    result = node.run()
    assert (result["status"], result["quarantined_count"]) == ("ok", 250)
    assert 0 < len(result["quarantined"]) < 250
    assert node.quarantined() == {"192.0.2.3", "192.0.2.4", *addresses}
    return int(result["lock_ms"])


def test_report_fits_when_everything_is_kept(node: Node) -> None:
    """Hundreds of kept files, also with hostile names, still make one short valid line of JSON."""
    for index in range(120):
        node.reserve(f'"\\\n{index}' + "é" * 60, "x")
        node.reserve(f"2001:db8::1:{index:x}:ffff:ffff", "being-created", age=1)
    result = node.run("inspect")
    assert result["kept_count"] == 240
    assert 0 < len(result["kept"]) < 240


def test_restore_moves_back_what_runs_again(node: Node) -> None:
    """Only a reservation whose container runs comes back; the other stays in quarantine."""
    node.run()
    node.running("web", "gone-1")
    result = node.run("restore")
    assert (result["status"], result["restored"], result["quarantined"]) == ("ok", ["192.0.2.3"], ["192.0.2.4"])
    assert result["kept"] == [{"name": "192.0.2.4", "why": "its container is gone"}]
    assert (node.files(), node.quarantined()) == ({LIVE_IP, "192.0.2.3"}, {"192.0.2.4"})
    assert node.run("restore")["status"] == "nothing_to_do"


def test_restore_never_replaces_a_reservation(node: Node) -> None:
    """An address that was given to another pod stays with that pod."""
    node.run()
    node.reserve("192.0.2.3", "new-owner", age=1)
    node.running("web", "gone-1", "new-owner")
    result = node.run("restore")
    assert (result["status"], result["restored"]) == ("nothing_to_do", [])
    assert {"name": "192.0.2.3", "why": "the address is reserved again"} in result["kept"]
    assert container_id("new-owner") in (node.reservations / "192.0.2.3").read_text()


def test_restore_without_a_quarantine(node: Node) -> None:
    """A run that moved nothing has nothing to move back."""
    assert node.run("restore")["status"] == "nothing_to_do"


def test_address_that_leaks_twice_in_one_run_is_kept(node: Node) -> None:
    """A quarantined file is never replaced by a later one of the same name."""
    node.run()
    first = (node.quarantine / "192.0.2.3").read_text()
    node.reserve("192.0.2.3", "gone-again")
    result = node.run()
    assert result["kept"] == [{"name": "192.0.2.3", "why": "already in quarantine"}]
    assert (node.quarantine / "192.0.2.3").read_text() == first


def test_another_run_has_its_own_quarantine(node: Node) -> None:
    """Runs do not see each other's quarantine."""
    node.run()
    node.reserve("192.0.2.3", "gone-again")
    assert node.run(RUN_ID="run-8")["quarantined"] == ["192.0.2.3"]
    assert node.quarantined() == {"192.0.2.3", "192.0.2.4"}
    assert (node.networks / ".runbook-quarantine" / RUN_ID).stat().st_mode & 0o777 == 0o700


def test_approval_expires(node: Node) -> None:
    """A pod that starts after the end of the approval, for example after a reboot, changes nothing."""
    assert node.run(NOT_AFTER=str(int(time.time()) - 1))["status"] == "refused"
    assert node.run(NOT_AFTER=str(int(time.time()) + 60))["status"] == "ok"
