"""Watches: the changes of a resource as a stream of JSON lines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import Problem, expired
from runbook_sandbox.kubernetes.store import Change, Store

_BOOKMARK_EVERY = 60.0
_LOOK_UP = 0.5


@dataclass(frozen=True)
class Watched:
    """What a watch is about.

    Attributes:
        selects: tells whether an object is in the watched set.
        render: turns an object into what the client asked for, such as a table.
        bookmark: the object of a bookmark at a version.
    """

    storage: str
    namespace: str
    selects: Callable[[Object], bool]
    render: Callable[[Object], Any]
    bookmark: Callable[[int], Any]


@dataclass(frozen=True)
class Span:
    """From where to when a watch runs: `start` is a version or empty, `seconds` how long."""

    start: str
    seconds: float
    bookmarks: bool
    initial: bool
    is_open: Callable[[], bool]


def stream(store: Store, watched: Watched, span: Span) -> Iterator[bytes]:
    """Yield the events as lines until the time is over or the server closes; an empty line is only a sign of life."""
    try:
        events, version = _start(store, watched, span)
    except Problem as problem:
        yield _line("ERROR", problem.body)
        return
    yield from events
    yield from _follow(store, watched, span, version)


def _start(store: Store, watched: Watched, span: Span) -> tuple[list[bytes], int]:
    """Return the first events and the version from which to go on."""
    if span.start not in {"", "0"} and not span.initial:
        version = int(span.start)
        if version < store.oldest(watched.storage):
            raise expired(f"too old resource version: {version} ({store.oldest(watched.storage)})")
        return [], version
    with store.lock:
        found = [each for each in store.list(watched.storage, watched.namespace) if watched.selects(each)]
        events = [_line("ADDED", watched.render(each)) for each in found]
        if span.initial:
            events.append(_line("BOOKMARK", _initial_end(watched.bookmark(store.version))))
        return events, store.version


def _initial_end(bookmark: Any) -> Any:
    bookmark["metadata"]["annotations"] = {"k8s.io/initial-events-end": "true"}
    return bookmark


def _follow(store: Store, watched: Watched, span: Span, version: int) -> Iterator[bytes]:
    end, last_bookmark = time.monotonic() + span.seconds, time.monotonic()
    while span.is_open() and (left := end - time.monotonic()) > 0:
        changes = _wait(store, watched.storage, version, min(left, _LOOK_UP))
        if version < store.oldest(watched.storage):
            yield _line("ERROR", expired(f"too old resource version: {version}").body)
            return
        for change in changes:
            version = change.version
            yield _event(watched, change)
        if span.bookmarks and time.monotonic() - last_bookmark > _BOOKMARK_EVERY:
            last_bookmark = time.monotonic()
            yield _line("BOOKMARK", watched.bookmark(version))
        if not changes:
            yield b""
    if span.bookmarks and span.is_open():
        yield _line("BOOKMARK", watched.bookmark(max(version, store.version)))


def _wait(store: Store, storage: str, version: int, seconds: float) -> list[Change]:
    with store.changed:
        if not (found := store.since(storage, version)):
            store.changed.wait(seconds)
            found = store.since(storage, version)
        return found


def _event(watched: Watched, change: Change) -> bytes:
    """Return the line of a change; an object that enters or leaves the watched set is ADDED or DELETED."""
    if watched.namespace and change.object["metadata"].get("namespace") != watched.namespace:
        return b""
    before = change.previous is not None and watched.selects(change.previous)
    after = change.type != "DELETED" and watched.selects(change.object)
    if not before and not after:
        return b""
    kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
    return _line(kind, watched.render(change.object))


def _line(kind: str, obj: Any) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
