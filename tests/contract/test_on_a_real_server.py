"""Every runbook of the catalogue on a real control plane, in each scenario that can be played there."""

from __future__ import annotations

from remediation.testing.on_a_real_server import OnARealServer


class TestOnARealServer(OnARealServer):
    pass
