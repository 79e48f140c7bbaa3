"""One SQLite file: WAL, ``synchronous=FULL``, readable by its owner only; busy files are waited for, and trouble is told."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from remediation.journal.sqlite.damage import gone, is_busy, told
from remediation.journal.sqlite.schema import prepare
from remediation.journal.sqlite.turns import Turn
from remediation.model.commands import advice
from remediation.model.errors import StoreProblem

T = TypeVar("T")
_AFTER_ALL = 1.0
# A transaction takes a few milliseconds. SQLite's own waiting soon sleeps a tenth of a second, while others come first.
_SHORTEST, _LONGEST = 0.0002, 0.001
# Longer than any transaction: who has the turn and does not use it was stopped.
_COURTESY = 2.0


class Database:
    """The file of a journal.

    Args:
        path: the file; its folder is made when missing.
        patience: how many seconds to wait while another process keeps the file locked.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self.path, self._patience = path, patience
        self._guard = threading.RLock()
        _make(path)
        self._file, self._turn = _identity(path), Turn(path)
        with self._telling():
            self.connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            self.connection.text_factory = _text
            self._patiently(lambda: prepare(self.connection, path))

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with self._guard, self._telling():
            return self._patiently(lambda: self.connection.execute(query, values).fetchall())

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Read as of one moment, row by row, while others go on writing."""
        with self._guard, self._telling():
            self._patiently(self._look)
            try:
                yield self.connection
            finally:
                self._end()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Exclude every other writer; what was written is on disk when the body has ended."""
        with self._guard, self._telling():
            if _identity(self.path) != self._file:
                raise gone(self.path)
            self._begin()
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                self._end()
                raise

    def _look(self) -> None:
        """Begin to read; what is seen from now on is chosen by the first question, which others may make wait."""
        self.connection.execute("BEGIN")
        try:
            self.connection.execute("SELECT 1 FROM settings LIMIT 1").fetchone()
        except sqlite3.Error:
            self._end()
            raise

    def _end(self) -> None:
        with suppress(sqlite3.Error):  # SQLite itself has ended it where the disk is full
            self.connection.execute("ROLLBACK")

    def _begin(self) -> None:
        taken = self._await_turn()
        try:
            self._patiently(lambda: self.connection.execute("BEGIN IMMEDIATE"))
        finally:
            if taken:
                self._turn.give()

    def _await_turn(self) -> bool:
        deadline = time.monotonic() + _COURTESY
        while not (taken := self._turn.take()) and time.monotonic() < deadline:
            _pause()
        return taken

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
        self._turn.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise told(self.path, problem) from problem

    def _patiently(self, do: Callable[[], T]) -> T:
        """Repeat while another process has the file locked; in small steps, so that Ctrl-C is heard."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return do()
            except sqlite3.Error as problem:
                if not is_busy(problem):
                    raise
                if time.monotonic() > deadline:
                    self._patience = _AFTER_ALL  # who has waited in vain does not wait as long again
                    raise
            _pause()


def _pause() -> None:
    time.sleep(random.uniform(_SHORTEST, _LONGEST))  # noqa: S311 - so that those who wait do not ask in step


def _make(path: Path) -> None:
    """Make the file for its owner alone. One that is there is not opened: closing it would end the locks of this process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise StoreProblem(
            f"the journal {path} cannot be opened: {problem}", next=advice("choose another with --store FILE")
        ) from problem


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _text(raw: bytes) -> str:
    """Read any text, also one that somebody has damaged: it is told when the chain is verified."""
    return raw.decode(errors="surrogateescape")
