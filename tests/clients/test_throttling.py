"""Servers that ask to slow down, that do not answer, or that no longer have the next page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import responses
from google.auth.compute_engine import Credentials
from google.auth.credentials import AnonymousCredentials

from remediation.access.patience import Patience
from remediation.model.errors import NotFound, RunbookError, Throttled
from remediation.model.refs import Ref
from remediation.providers.google.client import Google
from runbook_sandbox.google import Fault as GoogleFault
from runbook_sandbox.google import GoogleCloud
from runbook_sandbox.google import serve as serve_google
from tests.clients.answering import answering, client, http

CONFIG_MAP = Ref("v1", "ConfigMap", "a", "default")
SERVICE = "https://serviceusage.googleapis.com/v1/projects/example-prod/services/container.googleapis.com"


def test_throttling_is_waited_for_and_told(tmp_path: Path) -> None:
    """A server that asks to slow down for some seconds gets them; a person hears until when we try."""
    busy, said, started = [time.monotonic() + 6], list[str](), time.monotonic()

    def answer(method: str, path: str) -> bytes:
        return http({}, 429, Retry_After="1") if time.monotonic() < busy[0] else http({"kind": "ConfigMap"})

    with answering(answer) as url:
        assert client(tmp_path, url, said, seconds=30).read(CONFIG_MAP) == {"kind": "ConfigMap"}
    assert 5 < time.monotonic() - started < 10
    assert len(said) == 1
    assert "asks to slow down (429): trying until " in said[0]
    assert "for up to 30 s" in said[0]


def test_patience_has_the_end_that_was_told(tmp_path: Path) -> None:
    """Then it is over, and what comes after in the same verb does not wait as long again."""
    said, asked = list[str](), list[float]()

    def answer(method: str, path: str) -> bytes:
        asked.append(time.monotonic())
        return http({}, 429)

    with answering(answer) as url:
        ours = client(tmp_path, url, said, seconds=7)
        for least, most in ((6.5, 8.5), (4.5, 6.5)):
            started = time.monotonic()
            with pytest.raises(Throttled):
                ours.read(CONFIG_MAP)
            assert least < time.monotonic() - started < most
    assert len(asked) < 60


def test_patience_ends_before_the_locks_of_the_run_do(tmp_path: Path) -> None:
    """Leases are throttled too; the time that is told is the one for which the run may still write."""
    said = list[str]()
    patience, ends = Patience(said.append), time.monotonic() + 3
    patience.while_held(lambda: ends - time.monotonic())
    started = time.monotonic()
    with answering(lambda method, path: http({}, 429)) as url, pytest.raises(Throttled):
        client(tmp_path, url, patience=patience).read(CONFIG_MAP)
    assert 2.5 < time.monotonic() - started < 5
    assert "for up to 3 s" in said[0]


def test_loops_in_loops_share_one_patience(tmp_path: Path) -> None:
    """A write that reads first is not given the time twice."""
    with answering(lambda method, path: http({}, 429)) as url:
        ours = client(tmp_path, url, [], seconds=3)
        started = time.monotonic()
        with pytest.raises(Throttled):
            ours._patience.retrying(Throttled, attempts=6)(ours.read, CONFIG_MAP)
    assert time.monotonic() - started < 5


def test_a_check_has_no_more_patience_than_its_time(tmp_path: Path) -> None:
    """Who waits two seconds for a check is not kept for two minutes."""
    with answering(lambda method, path: http({}, 429)) as url:
        ours = client(tmp_path, url, [], seconds=60)
        started = time.monotonic()
        with ours._patience.limited(2), pytest.raises(Throttled):
            ours.read(CONFIG_MAP)
    assert time.monotonic() - started < 4


def test_silence_is_told(tmp_path: Path) -> None:
    """After five seconds a person hears who does not answer, and since when."""
    slow, said = [True], list[str]()

    def answer(method: str, path: str) -> bytes:
        time.sleep(6.5 if slow.pop() else 0)
        return http({"kind": "ConfigMap"})

    with answering(answer) as url:
        asked = time.strftime("%H:%M:", time.localtime())
        client(tmp_path, url, said).read(CONFIG_MAP)
        slow.append(False)
        client(tmp_path, url, said).read(CONFIG_MAP)
    assert len(said) == 1
    assert said[0].startswith(f"{url} has not answered since {asked}") or time.strftime("%H:%M:") != asked
    assert said[0].endswith("for 5 s")


def test_a_server_that_says_when_to_come_back_is_asked_then(tmp_path: Path) -> None:
    """503 with Retry-After is waited for like throttling: five of them are no reason to give up."""
    left = [6]

    def answer(method: str, path: str) -> bytes:
        left[0] -= 1
        return http({}, 503, Retry_After="1") if left[0] >= 0 else http({"kind": "ConfigMap"})

    said = list[str]()
    with answering(answer) as url:
        client(tmp_path, url, said, seconds=30).read(CONFIG_MAP)
    assert "(HTTP 503): trying until" in said[0]


@pytest.mark.parametrize("code", [429, 503])
def test_a_list_whose_next_page_is_gone_begins_anew(tmp_path: Path, code: int) -> None:
    """410 on a continue token is not asked again unchanged: the list comes in one piece, each object once."""
    asked = list[str]()

    def answer(method: str, path: str) -> bytes:
        asked.append(path)
        if "continue=" in path:
            return http({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}, 410)
        if len(asked) == 1:
            return http({}, code)
        items = [{"metadata": {"name": str(number)}} for number in range(3 if "limit=" not in path else 2)]
        more = {"continue": "next"} if "limit=" in path else {}
        return http({"kind": "ConfigMapList", "items": items, "metadata": {"resourceVersion": "7"} | more})

    with answering(answer) as url:
        found = client(tmp_path, url).list(Ref("v1", "ConfigMap", "", "default"))
    assert [item["metadata"]["name"] for item in found] == ["0", "1", "2"]
    assert len(asked) == 4


@responses.activate
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}, {"Retry-After": "garbage"}])
def test_google_that_asks_to_slow_down_gets_time(headers: dict[str, str]) -> None:
    """429 is no answer: it is waited for and told, however often it comes."""
    said = list[str]()
    found = Google(None, patience=Patience(said.append, 30))
    found.__dict__["_credentials"] = AnonymousCredentials()
    for _ in range(7):
        responses.get(
            SERVICE, status=429, json={"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, headers=headers
        )
    responses.get(SERVICE, json={"state": "ENABLED"})
    assert found.service_enabled("example-prod", "container.googleapis.com")
    assert "Google asks to slow down (429): trying until " in said[0]


@responses.activate
def test_google_that_goes_on_asking_is_given_up_when_it_was_told() -> None:
    """Then it is an error that can be tried again."""
    started, found = time.monotonic(), Google(None, patience=Patience(None, 3))
    found.__dict__["_credentials"] = AnonymousCredentials()
    responses.get(SERVICE, status=429, json={}, headers={"Retry-After": "86400"})
    with pytest.raises(Throttled):
        found.service_enabled("example-prod", "container.googleapis.com")
    assert time.monotonic() - started < 5


def test_an_exhausted_quota_of_grpc_is_throttling() -> None:
    """RESOURCE_EXHAUSTED is waited for, and ends as throttling."""
    left = [4]

    def fault(service: str, method: str, path: str, body: dict[str, Any]) -> GoogleFault | None:
        left[0] -= 1
        return GoogleFault(429) if left[0] >= 0 else None

    cloud = GoogleCloud()
    cloud.faults = fault
    server = serve_google(cloud)
    server.wait_ready()
    said, where = list[str](), {"google": server.url, "iam": server.grpc_target, "token": server.token}
    with pytest.raises(NotFound):
        Google(where, patience=Patience(said.append, 30)).keys("nobody@example-prod.iam.gserviceaccount.com")
    left[0] = 10**6
    with pytest.raises(Throttled):
        Google(where, patience=Patience(said.append, 1)).keys("nobody@example-prod.iam.gserviceaccount.com")
    assert "Google asks to slow down (429)" in said[0]
    server.close()


def test_a_metadata_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asked for Google's tokens has as little time as Google itself; a person hears of the silence."""
    asked = list[str]()

    def answer(method: str, path: str) -> bytes | None:
        if path.partition("?")[0].endswith("/token"):
            asked.append(path)
            return None
        return http({"email": "a@example.com", "scopes": []} if "default" in path else {}, Metadata_Flavor="Google")

    said = list[str]()
    with answering(answer) as url:
        monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", url.partition("//")[2])
        found, started = Google(None, patience=Patience(said.append)), time.monotonic()
        found.__dict__["_credentials"] = Credentials(scopes=["x"])
        with pytest.raises(RunbookError):
            found.service_enabled("example-prod", "container.googleapis.com")
    assert asked
    assert time.monotonic() - started < 90
    assert said[0].startswith("Google has not answered since ")
