"""Answers that are not as they should be: each is an error of the tree, or says nothing; none is a bug."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from remediation.access import headers
from remediation.model.errors import RunbookError, Unavailable
from remediation.model.limits import LOG, MESSAGE
from remediation.model.refs import Ref
from remediation.providers.google.clock import Clock
from tests.clients.answering import answering, client, http

CONFIG_MAP = Ref("v1", "ConfigMap", "a", "default")
THING = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}}
DATES = ["", "yesterday", "Sat, 99 Nov 2026 99:99:99 GMT", "Sat, 21 Nov 0000 08:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
         "Thu, 01 Jan 1970 00:00:00 GMT", "0", "\xff\xfe", "Sat, 21 Nov 2026 08:00:00 +9999999", "x" * 5000, ", , ,"]  # fmt: skip


@pytest.mark.parametrize("date", DATES)
def test_a_date_that_is_none_is_no_clock(tmp_path: Path, date: str) -> None:
    """A write that was made is told as made, and our own clock stays what locks are judged by."""
    with answering(lambda method, path: http(THING, Date=date)) as url:
        asked = client(tmp_path, url)
        assert asked.patch(CONFIG_MAP, [])["metadata"]["name"] == "a"
        assert abs(asked.now() - time.time()) < 1
    clock = Clock()
    clock.heard(date)
    assert abs(clock.now() - time.time()) < 1


@pytest.mark.parametrize("offset", [-3600.0, 0.0, 3600.0])
def test_a_date_that_is_one_is_believed(tmp_path: Path, offset: float) -> None:
    """It may well be our clock that is an hour wrong."""
    with answering(lambda method, path: http(THING, Date=formatdate(time.time() + offset, usegmt=True))) as url:
        asked = client(tmp_path, url)
        asked.read(CONFIG_MAP)
        assert abs(asked.now() - time.time() - offset) < 2


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("7", 7, 7), ("0", 0, 0), ("", 0, 0), ("-5", 0, 0), ("soon", 0, 0), ("\xb2\xb3", 0, 0), ("1e9", 0, 0), ("1.5", 0, 0),
     ("9" * 400, 0, 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9, 1e12), ("Sat, 01 Jan 2000 00:00:00 GMT", 0, 0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_moment(text: str, least: float, most: float) -> None:
    """Anything else asks for nothing."""
    assert least <= headers.retry_after({"Retry-After": text}) <= most


def test_a_moment_is_told_by_the_clock_of_the_server() -> None:
    """Which is in the same answer; ours may be an hour wrong."""
    moment, date = "Sat, 21 Nov 2026 08:05:00 GMT", "Sat, 21 Nov 2026 08:04:20 GMT"
    assert headers.retry_after({"Retry-After": moment, "Date": date}) == 40
    assert 400 < headers.retry_after({"Retry-After": formatdate(time.time() + 500, usegmt=True)}) <= 500


def test_a_huge_retry_after_is_not_obeyed(tmp_path: Path) -> None:
    """A server that asks for a year gets what was told to the person."""
    started, said = time.monotonic(), list[str]()
    with answering(lambda method, path: http({}, 429, Retry_After="31536000")) as url, pytest.raises(RunbookError):
        client(tmp_path, url, said, seconds=1).read(CONFIG_MAP)
    assert time.monotonic() - started < 4
    assert "for up to 1 s" in said[0]


@pytest.mark.parametrize(
    "warning", ['299 - "unclosed', "299", '299 - "a\x1b[2Jb"', '299 - "\xff\xfe", 299 - "ok"', '"' * 999]
)
def test_a_warning_moves_no_cursor(tmp_path: Path, warning: str) -> None:
    """What is shown of it is text."""
    with answering(lambda method, path: http(THING, Warning=warning)) as url:
        asked = client(tmp_path, url)
        asked.read(CONFIG_MAP)
        assert all(text.isprintable() for text in asked.warnings)


GARBAGE = [
    http(b"\xff\xfe\x00"),
    http(b"[" * 100_000),
    http(b"<html>"),
    http(b"[]"),
    http(b"null"),
    http(b""),
    http(b'{"a": 1', Content_Length="999"),
    http(b"not gzip", Content_Encoding="gzip"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    b"\x00\x01\x02\r\n\r\n",
    b"HTTP/1.1 999999 X\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n{}",
    http({"kind": "Status", "message": {"a": 1}, "details": [1]}, 422),
    http({"kind": "Status", "message": ["x"], "details": {"causes": {"field": 1}}}, 422),
    http({"kind": "Status", "details": {"causes": ["x", None]}, "reason": 7}, 409),
    http(b"[" * 100_000, 500),
    http(b"\xff", 403),
]


@pytest.mark.parametrize("answer", GARBAGE)
def test_garbage_is_an_error_of_the_tree(tmp_path: Path, answer: bytes) -> None:
    """After a write nobody knows what it means: never a bug, and what may have been made is looked at."""

    def hang_up(method: str, path: str) -> bytes:
        return answer

    with answering(hang_up) as url, pytest.raises(RunbookError) as problem:
        client(tmp_path, url).request("PATCH", CONFIG_MAP.path, {}, [], "application/json-patch+json")
    assert problem.value.summary
    if b" 4" not in answer[:14]:
        assert isinstance(problem.value, Unavailable)


@pytest.mark.parametrize("body", [{"metadata": None, "items": None}, {"items": []}, {"metadata": {"continue": ""}}])
def test_a_list_without_its_frame_is_empty(tmp_path: Path, body: object) -> None:
    """Members that are null or missing are no bug."""
    with answering(lambda method, path: http(body)) as url:
        assert client(tmp_path, url).list(CONFIG_MAP) == []


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    """The newest lines decide, and whoever writes a log does not fill our memory."""
    log = b"old line\n" * (2 * LOG // 9) + "the newest zürich\n".encode()
    with answering(lambda method, path: http(log)) as url:
        text = client(tmp_path, url).text("/api/v1/namespaces/a/pods/b/log", {})
    assert text.endswith("the newest zürich\n")
    assert len(text.encode()) == LOG


def test_a_log_that_ends_too_early_is_an_error_of_the_tree(tmp_path: Path) -> None:
    """The connection broke; that is told as for any other answer."""
    with answering(lambda method, path: http(b"x" * 100, Content_Length="5000")) as url, pytest.raises(Unavailable):
        client(tmp_path, url).text("/api/v1/namespaces/a/pods/b/log", {})


def test_messages_and_warnings_of_a_server_have_a_limit(tmp_path: Path) -> None:
    """An error says how much is left out, and of thousands of warnings the first are kept."""
    status = {"kind": "Status", "message": "no " * 100_000, "reason": "x" * 100_000}
    warning = ", ".join(f'299 - "warning {number}"' for number in range(3000))
    with answering(lambda method, path: http(status, 403, Warning=warning)) as url:
        asked = client(tmp_path, url)
        with pytest.raises(RunbookError) as told:
            asked.read(CONFIG_MAP)
    assert MESSAGE < len(told.value.summary) < MESSAGE + 60
    assert "(cut: 295904 more characters)" in told.value.summary
    assert len(told.value.detail) < MESSAGE + 60
    assert asked.warnings[:2] == ["warning 0", "warning 1"]
    assert len(asked.warnings) == 20
