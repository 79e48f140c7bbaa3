"""What a run keeps of what it looks at: bounded, without secrets, for its owner only, and not for ever."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.cli.console import unstyled
from remediation.cli.plans import plan_text
from remediation.engine.apply import apply_run
from remediation.engine.operations import Operation
from remediation.engine.resuming import resume_run
from remediation.engine.run import Run
from remediation.journal import artefacts
from remediation.model.artefacts import ArtefactDefaults, Collect
from remediation.model.errors import Forbidden, Interrupted
from remediation.model.records import recorded
from remediation.model.redaction import redacted
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.providers.kubernetes.container_log import ContainerLog
from remediation.providers.kubernetes.objects import KubernetesObject
from remediation.verbs.history import record
from runbook_sandbox.kubernetes import Cluster
from tests.engine.inside import Inside, Silent, emulated

MADE = KubernetesObject("v1", "ConfigMap", "made", "default", {"data": {"a": "1"}})
TEXTS: dict[str, Any] = {}


@recorded
@dataclass(frozen=True)
class Told(ArtefactDefaults):
    """Text that a test chooses by name."""

    which: str

    @property
    def description(self) -> str:
        return f"what {self.which} says"

    @property
    def file_name(self) -> str:
        return f"../{self.which}/told.txt"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        return ()

    def read(self, api: Any, most: int, seconds: float) -> str:
        found = TEXTS[self.which]
        if isinstance(found, Exception):
            raise found
        return str(found)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Inside, Cluster]]:
    yield from emulated(tmp_path)


def files(inside: Inside, run: Run) -> list[Path]:
    return sorted((artefacts.folder(inside.journal) / run.id).glob("*"))


def test_the_log_of_a_container_is_kept_beside_the_journal(here: tuple[Inside, Cluster]) -> None:
    """The owner alone may read it; the run's record names it, with its size and its day."""
    inside, cluster = here
    spec = {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]}
    pod = Ref("v1", "Pod", "web", "default")
    inside.client.create(pod, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
    cluster.settle()
    run, done = inside.run(Collect(ContainerLog("default", "web", "web")), MADE)
    assert done.exit_code == 0
    assert done.notes == []
    [told] = inside.journal.events(run.id, artefacts.KEPT)
    [kept] = files(inside, run)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert kept.name == "00-default-web-web.log"
    assert record(inside.journal, run.id).subject(told) == str(kept)


def test_a_plan_says_what_is_kept_and_its_limits(here: tuple[Inside, Cluster]) -> None:
    """In 80 columns; it is no part of what an approval is bound to."""
    inside, _ = here
    plan = inside.begin(Collect(Told("agent"), 500, 10, 7), MADE).created["plan"]
    text = unstyled(plan_text(plan).text)
    assert "will keep  what agent says: at most 500 bytes within 10 s" in text
    assert max(map(len, text.splitlines())) <= 80
    assert inside.begin(MADE).created["plan"]["fingerprint"] == plan["fingerprint"]


def test_what_is_too_long_keeps_its_end(here: tuple[Inside, Cluster]) -> None:
    """What happened last matters most; the record says that it was cut."""
    inside, _ = here
    TEXTS["agent"] = "first " + "x" * 1000 + " last"
    run, _ = inside.run(Collect(Told("agent"), 100), MADE)
    [kept] = files(inside, run)
    assert kept.read_text().endswith(" last")
    assert kept.stat().st_size == 100
    [event] = inside.journal.events(run.id, artefacts.KEPT)
    assert (event.payload["bytes"], event.payload["cut"]) == (100, True)


def test_a_name_does_not_lead_out_of_the_folder(here: tuple[Inside, Cluster]) -> None:
    """Names come from objects of a cluster."""
    inside, _ = here
    TEXTS["agent"] = "text"
    run, _ = inside.run(Collect(Told("agent")), MADE)
    assert [path.name for path in files(inside, run)] == ["00-..-agent-told.txt"]


def test_what_cannot_be_read_fails_nothing(here: tuple[Inside, Cluster]) -> None:
    """The run goes on, and says so."""
    inside, _ = here
    TEXTS["agent"] = Forbidden("you may not", code=403)
    run, done = inside.run(Collect(Told("agent")), MADE)
    assert (done.exit_code, done.notes) == (0, ["not collected: what agent says: you may not"])
    assert files(inside, run) == []


def test_it_is_collected_once(here: tuple[Inside, Cluster]) -> None:
    """A resume does not replace what was there before the change by what is there after it."""
    inside, _ = here
    TEXTS["agent"], TEXTS["then"] = "before", Interrupted("stopped")
    run, done = inside.run(Collect(Told("agent")), MADE, Collect(Told("then")))
    assert isinstance(done.error, Interrupted)
    TEXTS["agent"], TEXTS["then"] = "after", "then"
    resumed = resume_run(inside.load(run), inside.api, Silent(), lambda _: True)
    assert resumed.exit_code == 0
    assert [path.read_text() for path in files(inside, run)] == ["before", "then"]


def test_it_goes_when_its_day_is_over(here: tuple[Inside, Cluster]) -> None:
    """What the journal does not tell of is nobody's to remove."""
    inside, _ = here
    TEXTS["agent"] = "text"
    run, _ = inside.run(Collect(Told("agent"), days=2), MADE)
    [kept] = files(inside, run)
    other = kept.with_name("theirs")
    other.write_text("theirs")
    day = 86400
    assert artefacts.expire(inside.journal, time.time() + day) == []
    assert artefacts.expire(inside.journal, time.time() + 3 * day) == [kept]
    assert files(inside, run) == [other]


def test_a_link_in_its_place_is_not_followed(here: tuple[Inside, Cluster], tmp_path: Path) -> None:
    """Somebody else's file is not written through it."""
    inside, _ = here
    TEXTS["agent"] = "text"
    run = inside.begin(Collect(Told("agent")), MADE)
    home = artefacts.folder(inside.journal) / run.id
    home.mkdir(parents=True)
    (tmp_path / "theirs").write_text("theirs")
    os.symlink(tmp_path / "theirs", home / "00-..-agent-told.txt")
    done = apply_run(run, inside.api, Silent(), lambda _: True)
    assert done.exit_code == 0
    assert done.notes[0].startswith("not collected: what agent says: it cannot be written")
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_a_recorded_one_is_read_back(here: tuple[Inside, Cluster]) -> None:
    """With its limits."""
    operation = Operation("collect", collect=Collect(Told("agent"), 5, 6, 7))
    assert Operation.from_json(operation.as_json()) == operation


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("sent bearer abcdef.0123456789", "abcdef.0123456789"),
        ('{"private_key": "abc123", "a": 1}', "abc123"),
        ("password=hunter2 user=x", "hunter2"),
        ("DB_PASSWORD: hunter2", "hunter2"),
        ("https://user:hunter2@registry.example.com/v2/", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "abc"),
        ("-----BEGIN PRIVATE KEY-----\nabc, cut", "abc"),
        ("token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl end", "eyJzdWIiOi"),
        ('{"password": "two words, hunter2"}', "hunter2"),
        ("password = 'hunter2'", "hunter2"),
        (r'{"log": "{\"password\": \"hunter2\"}"}', "hunter2"),
        ("https://user:p@hunter2@registry.example.com/v2/", "hunter2"),
        ("got ya29.a0Af_by-x end", "a0Af_by"),
    ],
)
def test_what_looks_like_a_secret_is_not_kept(text: str, secret: str) -> None:
    """What stands beside it is."""
    shown = redacted(f"before {text}\nafter")
    assert secret not in shown
    assert shown.startswith("before ")
    assert "***" in shown


@pytest.mark.parametrize(
    "word", ["a-", "eyJ-", "password-", "://a:", "-----BEGIN A PRIVATE KEY----", 'token="', "token=\\\\"]
)
def test_a_hostile_log_does_not_take_hours(word: str) -> None:
    """Nothing else in this process gets on meanwhile, the renewal of its locks neither."""
    started = time.process_time()
    redacted(word * (400_000 // len(word)))
    assert time.process_time() - started < 5


def test_what_of_others_cannot_be_removed_fails_no_run(here: tuple[Inside, Cluster]) -> None:
    """A journal may be shared, and entries may be damaged."""
    inside, _ = here
    TEXTS["agent"] = "text"
    run, _ = inside.run(Collect(Told("agent")), MADE)
    for odd in ({"file": "x" * 300, "until": 1}, {"file": "told", "until": "never"}):
        run.note(artefacts.KEPT, {"index": 0} | odd)
    _, done = inside.run(Collect(Told("agent")), MADE)
    assert (done.exit_code, done.notes) == (0, [])


@given(st.text())
def test_redaction_is_stable(text: str) -> None:
    """What was redacted once is not changed any more."""
    assert redacted(redacted(text)) == redacted(text)
