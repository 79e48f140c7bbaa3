"""What can go wrong with the file of a journal, as errors that say what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from remediation.model.commands import Hint, advice, command
from remediation.model.errors import StoreProblem

_EXTENDED = 0xFF  # the lower byte of an extended result code is the plain one
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_busy(problem: sqlite3.Error) -> bool:
    """Tell whether another process has the file locked, so that waiting may help."""
    return _code(problem) in _BUSY


def told(path: Path, problem: sqlite3.Error) -> StoreProblem:
    """Return the error for what SQLite says of a journal."""
    why, words = _WAYS.get(_code(problem), ("", ()))
    detail = f"{why} ({problem})" if why else str(problem)
    return StoreProblem(f"the journal {path} cannot be used", detail, _following(path, words))


def _following(path: Path, words: tuple[str, ...]) -> Hint:
    if not words:
        return advice("choose another with --store FILE")
    return command(*(word.format(path=path, folder=path.parent) for word in words))


def gone(path: Path) -> StoreProblem:
    """Return the error for a file that is not the one any more that was opened: what is written to it is lost."""
    why = "its file was deleted or replaced while it was used, so nothing more can be recorded in it"
    return StoreProblem(f"the journal {path} is gone", why, command("ls", "-l", str(path.parent)))


def _code(problem: sqlite3.Error) -> int:
    return getattr(problem, "sqlite_errorcode", 0) & _EXTENDED


_DAMAGED = ("the file is damaged; restore it from a backup", ())
_UNWRITTEN = ("the file cannot be read or written; the disk may be full", ("df", "-h", "{folder}"))
_WAYS: dict[int, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(_BUSY, ("another process keeps it locked", ("fuser", "-v", "{path}"))),
    sqlite3.SQLITE_FULL: ("the disk is full", ("df", "-h", "{folder}")),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: ("it is read-only", ("ls", "-l", "{path}")),
    sqlite3.SQLITE_IOERR: _UNWRITTEN,
    sqlite3.SQLITE_CANTOPEN: _UNWRITTEN,
}
