"""Every runbook of the catalogue, on APIs that fail, in each of its scenarios."""

from __future__ import annotations

from remediation.testing.disturbed import Disturbed


class TestDisturbed(Disturbed):
    pass
