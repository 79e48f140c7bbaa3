"""Every runbook of the catalogue keeps the contract, in each of its scenarios."""

from __future__ import annotations

from remediation.testing.contract import Contract


class TestContract(Contract):
    pass
