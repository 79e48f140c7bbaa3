"""Every runbook of the catalogue, killed and put to sleep in each of its scenarios."""

from __future__ import annotations

from remediation.testing.interrupted import Interrupted


class TestInterrupted(Interrupted):
    pass
