"""Standard output and error of a command: somebody who stops reading, and a disk that is full, decide nothing.

A run that was approved goes on when `head` has seen enough, and every verb ends with the exit code of what it found.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_lost: list[OSError] = []


class _MayBeLeft(io.FileIO):
    """A stream that may lose its reader or its room; what is written after that goes nowhere."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        # A lost terminal answers with an error that is a broken disk's elsewhere, and no longer says what it was.
        self._gone = (errno.EPIPE, errno.EIO) if self.isatty() else (errno.EPIPE,)

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as problem:
            if problem.errno not in self._gone:
                _lost.append(problem)  # nobody has asked for less than all of it
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data)


def unwritten() -> OSError | None:
    """Return why the output is not all where it was to be written; None when it is, or when nobody wanted it."""
    sys.stdout.flush()
    sys.stderr.flush()
    return next(iter(_lost), None)


def outlive_readers() -> None:
    """Make standard output and error outlive whoever reads them, and show what no text can hold as JSON writes it."""
    _open_missing()
    sys.stdout, sys.stderr = _outliving(sys.stdout), _outliving(sys.stderr)


def _open_missing() -> None:
    """Lead a stream that was closed before we began nowhere.

    Else the next file that is opened, the journal say, has its number, and is what is written into.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def _outliving(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    # Half of a surrogate pair is told, and stops nothing.
    shown = io.BufferedWriter(_MayBeLeft(stream.fileno()))
    return io.TextIOWrapper(shown, stream.encoding, "backslashreplace", line_buffering=stream.line_buffering)
