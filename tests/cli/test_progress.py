"""What a person sees while a run waits."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from remediation.cli.progress import Progress
from remediation.model.steps import Ensure, Verdict
from remediation.providers.kubernetes.rollouts import DaemonSetRolledOut

WAIT = Ensure(DaemonSetRolledOut("a-namespace-with-a-long-name", "a-daemonset-with-a-very-long-name"), 600)
SHOW = """
from remediation.cli.progress import Progress
from tests.cli.test_progress import WAIT
from remediation.model.steps import Verdict
Progress(quiet=False).waiting(WAIT, Verdict("failing", "1 of 3 nodes updated"), 10)
"""


def test_on_a_pipe_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """What is new comes first, and the rest is wrapped."""
    Progress(quiet=False).waiting(WAIT, Verdict("failing", "1 of 3 nodes updated"), 10)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("  waiting 10 s of 600: 1 of 3 nodes updated:")
    assert " ".join(line.strip() for line in lines).endswith(WAIT.check.description)
    assert max(map(len, lines)) <= 80


def test_on_a_terminal_one_line_shows_what_is_new() -> None:
    """The description is cut, and the state is not."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    subprocess.run([sys.executable, "-c", SHOW], stderr=theirs, check=True)
    os.close(theirs)
    text = os.read(ours, 4096).decode().removeprefix("\r\x1b[K")
    os.close(ours)
    assert text.startswith("  waiting 10 s of 600: 1 of 3 nodes updated: ")
    assert text.endswith("…")
    assert len(text) < 80
