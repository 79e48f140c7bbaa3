"""Every doubt makes the reservation script refuse, and nothing moves."""

import fcntl
import json
import time

import pytest

from runbooks.ipam_cleanup.tests.reservation_node import LIVE_IP, Node, conflist, container_id

ALL = {LIVE_IP, "192.0.2.3", "192.0.2.4"}


def second_time(node: Node, then: str, otherwise: str = "") -> str:
    """Return a program that lists containers and does something before, which depends on how often it was asked."""
    asked = node.root / "asked"
    return f"if [[ -e {asked} ]]; then\n{then}\n:; else\n{otherwise}\n:; fi\ntouch {asked}\ncat {node.root}/ids"


def refused(node: Node, reason: str, status: str = "refused", **extra: str) -> None:
    """Assert that a clean run gives this status and reason and moves nothing."""
    before = node.files()
    result = node.run("clean", **extra)
    assert (result["status"], node.files(), node.quarantined()) == (status, before, set())
    assert reason in result["reason"]


def test_missing_ctr(node: Node) -> None:
    """Without ctr the list of containers is unknown, not empty."""
    (node.bin / "ctr").unlink()
    refused(node, "exit code 127")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 1", "exit code 1"),
        (f"echo {container_id('web')}; exit 1", "exit code 1"),
        ("exit 0", "listed nothing"),
        ("echo", "not a container ID"),
        (f"echo {container_id('web')}; echo 'ctr: warning'", "not a container ID"),
        (f"echo {container_id('web')}; echo {container_id('cleanup')[:13]}", "not a container ID"),
        (f"echo {container_id('web')[:12]}", "not a container ID"),
        (f"printf %s {container_id('web')}x", "not a container ID"),
        (f"echo {container_id('cleanup')}", "belongs to no known container"),
        ("kill -9 $$", "did not answer in time"),
        ("sleep 60", "did not answer in time"),
        (f"echo {container_id('web')}; sleep 60", "did not answer in time"),
    ],
)
def test_ctr_that_fails_lies_or_hangs(node: Node, body: str, reason: str) -> None:
    """A list that failed, is empty, shortened, garbled, of another runtime, or never ends is not believed."""
    node.program("ctr", body)
    started = time.monotonic()
    refused(node, reason, RUNTIME_TIMEOUT_SECONDS="1" if "sleep" in body else "60")
    assert time.monotonic() - started < 40


@pytest.mark.parametrize(
    "body", ["exit 1", "exit 0", "exit 127", "echo POD", 'if [[ $1 == ps ]]; then exit 1; fi; printf "%064d\\n" 1']
)
def test_crictl_that_is_there_must_answer(node: Node, body: str) -> None:
    """Crictl may be missing, but once it is there each of its lists must be good."""
    node.program("crictl", body)
    refused(node, "crictl")


def test_ctr_that_fails_only_under_the_lock(node: Node) -> None:
    """The second list is as strict as the first."""
    node.program("ctr", second_time(node, "exit 1"))
    result = node.run()
    assert (result["status"], node.files(), node.quarantined()) == ("refused", ALL, set())


def test_ctr_that_hangs_under_the_lock(node: Node) -> None:
    """The lock is given up soon, also when the runtime stops answering while it is held."""
    node.program("ctr", second_time(node, "sleep 60"))
    started = time.monotonic()
    result = node.run(LOCK_BUDGET_MS="500")
    assert (result["status"], node.files(), time.monotonic() - started < 40) == ("refused", ALL, True)
    with (node.reservations / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_runtime_process_that_outlives_the_script(node: Node) -> None:
    """A process that the runtime command leaves behind does not keep host-local's lock."""
    node.program("ctr", second_time(node, "setsid sleep 3 < /dev/null > /dev/null 2>&1 &"))
    assert node.run()["status"] == "ok"
    with (node.reservations / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_live_pod_without_reservation(node: Node) -> None:
    """A live pod that owns no reservation means that the directory or the list is not of this node."""
    node.live(LIVE_IP, "192.0.2.77")
    refused(node, "192.0.2.77 has no reservation")


def test_live_pod_with_malformed_reservation(node: Node) -> None:
    """A live pod whose reservation cannot be read stops the run."""
    node.reserve(LIVE_IP, "", content="?")
    refused(node, "belongs to no known container")


@pytest.mark.parametrize(
    "text", ["192.0.2.2,192.0.2.3", "pod-1", "192.0.2.2 ", "192.0.2.2\r", "192.0.2.2\n<truncated>"]
)
def test_unreadable_live_list(node: Node, text: str) -> None:
    """A line that is not exactly one address makes the whole list worthless."""
    node.live_file.write_text(text, newline="")
    refused(node, "not an address")


def test_missing_live_list(node: Node) -> None:
    """A node without a list was not part of the approved run."""
    node.live_file.unlink()
    refused(node, "not part of the run")


def test_lock_held_by_another_process(node: Node) -> None:
    """While host-local works the script waits, then refuses."""
    with (node.reservations / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = node.run()
        assert (result["status"], node.files()) == ("refused", ALL)
        assert "held by another process" in result["reason"]


@pytest.mark.parametrize("name", ["192.0.2.3", "192.0.2.4"])
def test_reservation_that_changes_owner_before_the_lock(node: Node, name: str) -> None:
    """A file that was given to a new pod between the first look and the lock is kept."""
    path = node.reservations / name
    rewrite = f"printf '{container_id('fresh')}\\r\\neth0' > {path}; touch -d '-1 hour' {path}"
    node.program("ctr", second_time(node, rewrite))
    result = node.run()
    assert name in node.files()
    assert result["kept"] == [{"name": name, "why": "changed during the run"}]
    assert container_id("fresh") in (node.reservations / name).read_text()


def test_container_that_appears_before_the_lock(node: Node) -> None:
    """An ID that only the second list has keeps its reservation."""
    node.program("ctr", second_time(node, f"echo {container_id('gone-1')}"))
    assert node.run()["quarantined"] == ["192.0.2.4"]


def test_container_that_disappears_before_the_lock(node: Node) -> None:
    """An ID that only the first list has keeps its reservation: its release may be under way."""
    node.program("ctr", second_time(node, "", f"echo {container_id('gone-1')}"))
    assert node.run()["quarantined"] == ["192.0.2.4"]


def test_live_pod_that_loses_its_reservation_before_the_lock(node: Node) -> None:
    """The live pods are checked again under the lock."""
    node.program("ctr", second_time(node, f"rm -f {node.reservations / LIVE_IP}"))
    result = node.run()
    assert (result["status"], node.files()) == ("refused", ALL - {LIVE_IP})


def test_maximum(node: Node) -> None:
    """More leaked reservations than approved are not touched, not even some of them."""
    refused(node, "exceed the limit of 1", MAX_RESERVATIONS="1")


def test_second_attempt_shares_the_maximum(node: Node) -> None:
    """Running the same run again does not grow what was approved."""
    node.run(MAX_RESERVATIONS="2")
    node.reserve("192.0.2.5", "gone-3")
    assert node.run(MAX_RESERVATIONS="2")["status"] == "refused"
    assert "192.0.2.5" in node.files()


@pytest.mark.parametrize("young", [False, True])
def test_no_live_reservation_remains(node: Node, young: bool) -> None:
    """Without one live reservation nothing proves that the list belongs to the directory."""
    (node.reservations / LIVE_IP).unlink()
    node.live()
    if young:
        node.reserve("192.0.2.9", "being-created", age=1)
    refused(node, "no live reservation would remain")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (conflist(type="calico-ipam"), "not host-local"),
        (conflist(dataDir="/var/lib/other"), "elsewhere: /var/lib/other"),
        (conflist("../etc"), "no usable network name"),
        (conflist("a/b"), "no usable network name"),
        (conflist(".hidden"), "no usable network name"),
        (conflist(r"a\u002fb"), "no usable network name"),
        (json.dumps({"name": "gke-pod-network", "plugins": [{"type": "cilium-cni"}]}), "0 ipam objects"),
        (
            json.dumps({"name": "gke-pod-network", "plugins": [{"ipam/type": "host-local", "ipam": {}}]}),
            "not host-local",
        ),
        (json.dumps({"name": "gke-pod-network", "plugins": [{"ipam": {"type": "host-local"}}] * 2}), "2 ipam objects"),
        (conflist().replace('"type": "host-local"', '"type": "host-local", "Type": "dhcp"'), "names a key twice"),
        (conflist().replace('"ptp"', '"ptp", "\\u0069pam": {"type": "dhcp"}'), "escaped key"),
        (conflist()[:-3], "not valid JSON"),
        (conflist() + "x", "not valid JSON"),
        (conflist().replace(": 1460", ": 1460,"), "not valid JSON"),
        ("", "not valid JSON"),
        (" " * 70000 + conflist(), "too long"),
    ],
)
def test_configuration_that_is_not_certain(node: Node, text: str, reason: str) -> None:
    """A configuration of another address management, or one that cannot be read for certain, is refused."""
    (node.conf / "10-gke.conflist").write_text(text)
    refused(node, reason)


def test_configuration_that_hides_behind_an_earlier_file(node: Node) -> None:
    """When the runtime would use another file first, its address management decides."""
    (node.conf / "00-first.conflist").write_text(conflist(type="dhcp"))
    refused(node, "not host-local")


def test_no_configuration(node: Node) -> None:
    """Without a configuration the network is unknown."""
    (node.conf / "10-gke.conflist").unlink()
    refused(node, "no CNI configuration")


@pytest.mark.parametrize(
    "extra",
    [
        {"MODE": "purge"},
        {"MODE": ""},
        {"NODE_NAME": ""},
        {"NODE_NAME": "a/b"},
        {"RUN_ID": ""},
        {"RUN_ID": ".."},
        {"RUN_ID": "a/b"},
        {"MAX_RESERVATIONS": ""},
        {"MAX_RESERVATIONS": "0"},
        {"MAX_RESERVATIONS": "1+1"},
        {"MAX_RESERVATIONS": "99999"},
        {"MIN_AGE_SECONDS": "0"},
        {"MIN_AGE_SECONDS": "-900"},
        {"MIN_AGE_SECONDS": "15m"},
        {"POD_CIDRS": ""},
        {"POD_CIDRS": "192.0.2.0"},
        {"POD_CIDRS": "192.0.2.0/33"},
        {"POD_CIDRS": "0.0.0.0/0"},
        {"POD_CIDRS": "192.0.2.0/24,"},
        {"POD_CIDRS": "192.0.2.0/24,,"},
    ],
)
def test_settings_that_make_no_sense(node: Node, extra: dict[str, str]) -> None:
    """A missing or impossible setting stops the run before anything is read."""
    process = node.start("clean", **extra)
    assert json.loads(process.communicate(timeout=90)[0])["status"] == "refused"
    assert (process.returncode, node.files()) == (0, ALL)


@pytest.mark.parametrize("part", ["", "lock"])
def test_network_directory_or_lock_that_is_a_link(node: Node, part: str) -> None:
    """A link in place of the directory or of its lock would lead the lock somewhere else."""
    path = node.reservations / part
    path.rename(node.root / "moved")
    path.symlink_to(node.root / "moved")
    refused(node, "link" if not part else "lock file")


def test_missing_lock_file(node: Node) -> None:
    """Reservations without a lock file were not made by host-local, and the script makes none."""
    (node.reservations / "lock").unlink()
    refused(node, "lock file")
    assert not (node.reservations / "lock").exists()


def test_quarantine_that_is_a_link(node: Node) -> None:
    """Files are not moved to wherever a link points."""
    (node.root / "elsewhere").mkdir()
    (node.networks / ".runbook-quarantine").symlink_to(node.root / "elsewhere")
    refused(node, "is a link")
