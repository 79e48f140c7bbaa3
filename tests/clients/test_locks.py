"""Locks by themselves: who has one, when it has lapsed, when it is lost, and that nothing is written without it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediation.access import locks
from remediation.access.journal_lock import JournalLock
from remediation.access.locks import Keeper, Waiting
from remediation.access.sightings import Busy, Sighting
from remediation.access.stopping import Stop
from remediation.journal import opened
from remediation.journal.holder import acquisition, holder
from remediation.model.errors import Locked, LockLost
from remediation.model.refs import Ref
from remediation.model.targets import Cluster as Target
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.providers.kubernetes.locks import ClusterLock, lease_of
from remediation.verbs.api import RunApi
from runbook_sandbox.kubernetes import Cluster, Fault, Server, serve
from runbook_sandbox.kubernetes.responses import Response
from tests.entries import enter

LEASES = "leases.coordination.k8s.io"
SCOPE = "cluster/kube-system/configmap/kube-system/ip-masq-agent"
OTHER = "cluster/kube-system/node/node-1"
ELSEWHERE = "run 7 (ip-masq-agent) of root on elsewhere/1/2 process 5.5 as n1"
MAP = Ref("v1", "ConfigMap", "ip-masq-agent", "kube-system")


class Place:
    """An emulated cluster, its clients, and a clock that can be moved."""

    def __init__(self, cluster: Cluster, server: Server, folder: Path) -> None:
        self.cluster = cluster
        path = folder / "kubeconfig"
        path.write_text(json.dumps(server.kubeconfig()))
        self.configuration = configurations.load(str(path), None)[0]
        self.client = KubernetesClient(self.configuration)
        self.journal = opened(folder / "journal.db")
        self.ahead = 0.0

    def api(self) -> RunApi:
        return RunApi(Target(), self.journal, {"kubernetes": self.configuration})

    def lock(self, who: str, scope: str = SCOPE, seen: Sighting | None = None) -> ClusterLock:
        return ClusterLock(self.client, scope, who, seen or Sighting())

    def leases(self) -> list[dict[str, Any]]:
        found = self.cluster.store.list(LEASES)
        return [item for item in found if item["metadata"]["name"].startswith("runbook")]

    def foreign(self, ago: float, name: str = "", **more: Any) -> None:
        """Put a Lease of another host in place, renewed so many seconds ago by that host's clock."""
        stamp = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": ELSEWHERE, "leaseDurationSeconds": 30, "acquireTime": stamp, "renewTime": stamp}
        metadata = {"name": name or lease_of(SCOPE).name, "namespace": "kube-system"}
        metadata["labels"] = {"app.kubernetes.io/managed-by": "runbook"}  # type: ignore[assignment] # JSON
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec | more}
        self.cluster.create(body)

    def renew(self) -> None:
        """Renew that Lease as its host would."""
        present = self.client.read(lease_of(SCOPE))
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.client.replace(lease_of(SCOPE), present | {"spec": present["spec"] | {"renewTime": stamp}})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with Cluster(nodes=1) as cluster, serve(cluster) as server:
        found = Place(cluster, server, tmp_path)
        real = time.clock_gettime
        monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + found.ahead)
        yield found


def me(run: str = "1") -> str:
    return acquisition(holder(run, "root", "ip-masq-agent"))


def waiting(seconds: float | None = 0) -> Waiting:
    return Waiting(seconds, lambda *_: None)


@pytest.mark.parametrize("skew", [0, 3600, -3600, 40, -40])
def test_a_lock_lapses_when_it_is_not_renewed_whatever_the_clocks_say(place: Place, skew: float) -> None:
    """An hour to either side changes nothing: a holder that renews keeps the lock, one that is silent for 30 s loses it."""
    place.foreign(ago=skew)
    seen = Sighting()
    for _ in range(3):
        with pytest.raises(Busy):
            place.lock(me(), seen=seen).take()
        place.ahead += 20
        place.renew()
    with pytest.raises(Busy):
        place.lock(me(), seen=seen).take()
    place.ahead += 31
    place.lock(me(), seen=seen).take()


def test_a_foreign_duration_is_capped_at_ours(place: Place) -> None:
    """Whoever writes 63 years into a Lease keeps nobody out for longer than 30 seconds without a renewal."""
    place.foreign(ago=0, leaseDurationSeconds=2_000_000_000)
    seen = Sighting()
    with pytest.raises(Busy):
        place.lock(me(), seen=seen).take()
    place.ahead += 31
    place.lock(me(), seen=seen).take()


def test_two_acquisitions_of_one_process_do_not_both_hold(place: Place) -> None:
    """The same run, the same process: the second waits like anybody else, in a cluster and in the journal."""
    text = holder("1", "root", "ip-masq-agent")
    place.lock(acquisition(text)).take()
    with pytest.raises(Busy, match=r"root@\S+ \(run 1, ip-masq-agent\), 0 s ago"):
        place.lock(acquisition(text)).take()
    JournalLock(place.journal, "project/x", acquisition(text), Sighting()).take()
    with pytest.raises(Busy):
        JournalLock(place.journal, "project/x", acquisition(text), Sighting()).take()


@pytest.mark.parametrize("how", ["deleted", "made again", "taken"])
def test_what_is_lost_stays_lost(place: Place, how: str) -> None:
    """A missing Lease, one with another uid, and one of another holder are not renewed and not made again."""
    mine = place.lock(me())
    mine.take()
    made = place.leases()[0]
    if how == "taken":
        place.client.replace(lease_of(SCOPE), made | {"spec": made["spec"] | {"holderIdentity": ELSEWHERE}})
    else:
        place.client.delete(lease_of(SCOPE), made["metadata"]["uid"])
    if how == "made again":
        place.foreign(ago=0, holderIdentity=made["spec"]["holderIdentity"])
    before = place.leases()
    for _ in range(2):
        with pytest.raises(LockLost, match="configmap/kube-system/ip-masq-agent was lost"):
            mine.renew()
    assert place.leases() == before
    mine.release()
    assert place.leases() == before


def test_somebody_who_annotates_the_lease_does_not_take_it(place: Place) -> None:
    """A Lease that kubectl has touched is renewed and given back all the same."""
    mine = place.lock(me())
    mine.take()
    made = place.leases()[0]
    annotations = made["metadata"]["annotations"] | {"note": "who is this?"}
    place.client.replace(lease_of(SCOPE), made | {"metadata": made["metadata"] | {"annotations": annotations}})
    mine.renew()
    assert place.leases()[0]["metadata"]["annotations"]["note"]
    mine.release()
    assert place.leases() == []


def test_a_run_that_slept_may_not_write_any_more(place: Place) -> None:
    """25 s without a renewal end the right to write for good, by a clock that goes on during sleep, also when nobody took over."""
    place.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ip-masq-agent", "namespace": "kube-system"}})  # fmt: skip
    api = place.api()
    change = [{"op": "add", "path": "/data", "value": {"a": "b"}}]
    with api.locked([SCOPE], holder("1", "root", "x")):
        api.kubernetes.patch(MAP, change)
        place.ahead += 26
        for _ in range(2):
            with pytest.raises(LockLost, match=r"not renewed for 26 s"):
                api.kubernetes.patch(MAP, change)
            api.kubernetes.patch(MAP, change, dry_run=True)
        place.ahead -= 26
        with pytest.raises(LockLost):
            api.kubernetes.patch(MAP, change)
    assert place.leases() == []


def test_the_time_that_the_locks_still_hold_is_all_that_a_request_has(place: Place) -> None:
    """Who is asked to slow down, Leases included, has to give up before the locks are lost."""
    api = place.api()
    assert api.patience.until(time.monotonic()) - time.monotonic() > 100
    with api.locked([SCOPE], holder("1", "root", "x")):
        place.ahead += 20
        assert 3 < api.patience.until(time.monotonic()) - time.monotonic() < 4.1
    assert api.patience.until(time.monotonic()) - time.monotonic() > 100


def test_nothing_is_written_without_a_lock(place: Place) -> None:
    """Every request that changes something passes one gate, for Kubernetes and for Google; questions and dry runs do not."""
    api = RunApi(Target(project="example-prod"), place.journal, {"kubernetes": place.configuration, "google": {"google": "http://192.0.2.1", "iam": "192.0.2.1:1"}})  # fmt: skip
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "kube-system"}}
    ref = Ref("v1", "ConfigMap", "x", "kube-system")
    api.kubernetes.create(ref, body, dry_run=True)
    assert api.missing([]) == []
    writes = [
        lambda: api.kubernetes.create(ref, body),
        lambda: api.kubernetes.replace(ref, body),
        lambda: api.kubernetes.patch(ref, []),
        lambda: api.kubernetes.delete(ref, "uid"),
        lambda: api.google.set_policy("example-prod", None),
        lambda: api.google.create_key("puller@example-prod.iam.gserviceaccount.com"),
        lambda: api.google.disable_key("key"),
        lambda: api.google.delete_key("key"),
    ]
    for write in writes:
        with pytest.raises(LockLost):
            write()
    assert place.cluster.get("configmaps", "x", "kube-system") is None


def test_a_heartbeat_that_is_not_answered_is_repeated_in_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that swallows one request costs a few seconds, and not the lock."""
    monkeypatch.setattr(locks, "_BEAT_SECONDS", 0.1)
    swallowed, repeated, let_go = threading.Event(), threading.Event(), threading.Event()

    def fault(method: str, path: str, *_: Any) -> Fault | None:
        if method != "PUT" or "/leases/" not in path:
            return None
        if swallowed.is_set():
            repeated.set()
            return None
        swallowed.set()
        let_go.wait(60)
        return Fault(close="before")

    api = place.api()
    with api.locked([SCOPE], holder("1", "root", "x")):
        place.cluster.faults = fault
        assert repeated.wait(locks.LOST_SECONDS - 8)
        let_go.set()
        time.sleep(1)
        place.ahead += locks.LOST_SECONDS - 4
        api.still_locked()
    assert place.leases() == []


def test_all_locks_or_none(place: Place) -> None:
    """Where one object is at work for another run, the locks that were taken for the others are given back."""
    place.foreign(ago=0)
    with pytest.raises(Locked), place.api().locked([OTHER, "project/x", SCOPE], holder("1", "root", "x")):
        pytest.fail("the body must not run")
    assert [item["spec"]["holderIdentity"] for item in place.leases()] == [ELSEWHERE]
    assert place.journal.leases.look("project/x") is None


def test_runs_that_share_no_object_do_not_wait(place: Place) -> None:
    """A long job on one node keeps nobody from another object of the same namespace or of the cluster."""
    with (
        place.api().locked([OTHER], holder("1", "root", "x")),
        place.api().locked([SCOPE], holder("2", "root", "x")),
        pytest.raises(Locked),
        place.api().locked([OTHER, "cluster/shop/secret/shop/x"], holder("3", "root", "x")),
    ):
        pytest.fail("the body must not run")
    assert place.leases() == []


def test_of_many_who_want_overlapping_objects_never_two_are_at_work(place: Place) -> None:
    """Ten runs with two objects each, all at once: everyone gets through, and no object is ever in two hands."""
    scopes = [f"cluster/kube-system/node/node-{number}" for number in range(5)]
    inside: dict[str, int] = dict.fromkeys(scopes, 0)
    problems: list[str] = []

    def work(number: int) -> None:
        wanted = sorted({scopes[number % 5], scopes[(number * 2 + 1) % 5]})
        with place.api().locked(wanted, holder(str(number), "root", "x"), wait=90):
            for scope in wanted:
                inside[scope] += 1
            problems.extend(scope for scope in wanted if inside[scope] > 1)
            time.sleep(0.05)
            for scope in wanted:
                inside[scope] -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not any(thread.is_alive() for thread in threads)
    assert problems == []
    assert place.leases() == []


def test_of_two_who_want_some_of_the_same_objects_one_gets_them(place: Place) -> None:
    """Both being refused, by each other, would leave an operator with nobody at work."""
    every = [f"cluster/kube-system/configmap/kube-system/{name}" for name in "abc"]
    for turn in range(12):
        got, both = list[str](), threading.Barrier(2)

        def go(scopes: list[str], who: str, got: list[str] = got, both: threading.Barrier = both) -> None:
            api = place.api()
            both.wait()
            with suppress(Locked), api.locked(scopes, holder(who, "root", "x")):
                got.append(who)

        both_at_once = [threading.Thread(target=go, args=(every[skip:], f"{turn}-{skip}")) for skip in (0, 1)]
        for thread in both_at_once:
            thread.start()
        for thread in both_at_once:
            thread.join(30)
        assert got


def test_waiting_says_for_whom(place: Place) -> None:
    """A holder that goes away is noticed at once; one that stays ends the waiting with a refusal that names it."""
    told: list[tuple[str, float, float]] = []
    api, other = place.api(), place.lock(me("9"))
    other.take()
    with (
        pytest.raises(Locked) as refused,
        api.locked([SCOPE], holder("1", "root", "x"), 2, lambda *what: told.append(what)),
    ):
        pytest.fail("the body must not run")
    assert refused.value.exit_code == 3
    assert "waited 2 s for it; nothing was changed" in refused.value.detail
    assert "(run 9, ip-masq-agent), " in told[0][0]
    assert "/" not in told[0][0].replace("configmap/kube-system/ip-masq-agent", "")
    threading.Timer(1, other.release).start()
    began = time.monotonic()
    with api.locked([SCOPE], holder("1", "root", "x"), 60):
        assert time.monotonic() - began < 10


def test_a_holder_that_may_be_gone_is_observed_without_being_told_to_wait(place: Place) -> None:
    """Its last renewal is long ago: whoever is alive renews soon and is respected; who is not, is not waited for for ever."""
    place.foreign(ago=500)
    threading.Timer(1, place.renew).start()
    began = time.monotonic()
    with pytest.raises(Locked), place.api().locked([SCOPE], holder("1", "root", "x")):
        pytest.fail("the body must not run")
    assert 0.5 < time.monotonic() - began < 15


@pytest.mark.parametrize("ahead", [0, 40, 3600, -3600])
def test_a_host_whose_clock_is_ahead_steals_no_lease_of_the_journal(place: Place, ahead: float) -> None:
    """The clock that a host writes into the store is not what its lease is judged by."""
    theirs = JournalLock(place.journal, "project/x", ELSEWHERE, Sighting())
    theirs.take()
    row = place.journal.leases.look("project/x")
    assert row is not None
    with place.journal._database.transaction() as database:  # what a host with another clock sees
        database.execute("UPDATE leases SET since = since - ?, expires = expires - ?", (ahead, ahead))
    seen = Sighting()
    for _ in range(3):
        with pytest.raises(Busy, match=r"root@elsewhere \(run 7, ip-masq-agent\)"):
            JournalLock(place.journal, "project/x", me(), seen).take()
        place.ahead += 20
        theirs.renew()
    with pytest.raises(Busy):
        JournalLock(place.journal, "project/x", me(), seen).take()
    place.ahead += 31
    JournalLock(place.journal, "project/x", me(), seen).take()
    with pytest.raises(LockLost):
        theirs.renew()


def test_an_older_holder_adds_nothing_to_the_record(place: Place) -> None:
    """From the moment another process has taken over a run, an entry of the one before is refused; without epochs, as before."""
    journal = place.journal
    for run in ("1", "2"):
        enter(journal, run, "run.created", {})
    first = journal.leases.next_epoch("1")
    enter(journal, "1", "change.done", {"index": 0}, epoch=first)
    second = journal.leases.next_epoch("1")
    with pytest.raises(LockLost, match="another process has taken over run 1"):
        enter(journal, "1", "change.done", {"index": 1}, epoch=first)
    enter(journal, "1", "undo.done", {"index": 0}, epoch=second)
    enter(journal, "2", "change.done", {"index": 0}, epoch=0)
    assert [event.kind for event in journal.events("1")] == ["run.created", "change.done", "undo.done"]


def test_a_lock_of_an_earlier_version_is_respected_and_cleared_away(place: Place) -> None:
    """It locks the whole namespace while it is renewed; what a dead one has left is deleted."""
    place.foreign(ago=0, name="runbook")
    api = place.api()
    with pytest.raises(Locked, match="namespace kube-system is locked by root@elsewhere"), api.locked([OTHER], me()):
        pytest.fail("the body must not run")
    with api.locked(["cluster/default/secret/default/x"], me()):
        pass
    place.ahead += 31
    with api.locked([OTHER], me()):
        assert [item["metadata"]["name"] for item in place.leases()] == [lease_of(OTHER).name]
    assert place.leases() == []


def test_a_lease_of_another_program_with_that_name_is_left_alone(place: Place) -> None:
    """Somebody's own program may be called runbook, too: its leader neither keeps us waiting nor loses its Lease."""
    place.foreign(ago=3600, name="runbook")
    place.cluster.edit(LEASES, "runbook", lambda found: found["metadata"].pop("labels"), "kube-system")
    before = place.leases()
    api = place.api()
    with api.locked([OTHER], me(), wait=0):
        pass
    assert place.leases() == before


def test_the_heartbeat_outlives_a_bad_moment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw, such as a full store, does not end the renewals without a word."""
    monkeypatch.setattr("remediation.access.locks._BEAT_SECONDS", 0.1)
    monkeypatch.setattr("remediation.access.locks._AGAIN_SECONDS", 0.1)

    class Moody:
        name, renewed, beats = "x", 0.0, 0

        def take(self) -> None:
            self.renewed = time.clock_gettime(time.CLOCK_BOOTTIME)

        def renew(self) -> None:
            self.beats += 1
            if self.beats < 3:
                raise ValueError("database or disk is full")
            self.take()

        def confirm(self) -> None:
            pass

        def release(self) -> None:
            pass

        def look(self) -> None:
            pass

        def moments(self, seconds: float) -> Iterator[None]:
            yield None

    lock, keeper = Moody(), Keeper()
    with keeper.holding([lock], waiting()):
        time.sleep(1)
        keeper.check()
    assert lock.beats > 3


def test_a_look_that_is_not_answered_keeps_no_renewal_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many requests: nobody can say whether the lock is ours, and it is renewed all the same."""
    monkeypatch.setattr("remediation.access.locks._BEAT_SECONDS", 0.6)
    monkeypatch.setattr("remediation.access.locks._AGAIN_SECONDS", 0.3)
    monkeypatch.setattr("remediation.access.locks._LOOK_SECONDS", 0.2)

    def storm(method: str, path: str, *_: Any) -> Fault | None:
        return Fault(answer=Response(429, {"message": "slow down"})) if method == "GET" and "/leases/" in path else None

    ours = place.lock(me())
    with Keeper().holding([ours], waiting()):
        place.cluster.faults = storm
        for _ in range(2):
            before, ends = ours.renewed, time.monotonic() + 3
            while ours.renewed == before:
                assert time.monotonic() < ends
                time.sleep(0.05)
        place.cluster.faults = None


def test_a_lease_that_somebody_takes_away_is_missed_within_two_seconds(place: Place) -> None:
    """Long before its next renewal; the run waits for something else meanwhile."""
    stop, ours = Stop(), place.lock(me())
    with Keeper(stop).holding([ours], waiting()):
        started = time.monotonic()
        place.client.delete(ours.ref, place.client.read(ours.ref)["metadata"]["uid"])
        with pytest.raises(LockLost, match="its Lease is gone"):
            stop.wait(30)
    assert time.monotonic() - started < 4
