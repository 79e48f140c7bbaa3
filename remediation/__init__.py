"""The author API: one import is enough to write a runbook. Its names stand in ``__init__.pyi``, each loaded when it is first used."""

from __future__ import annotations

from remediation.model.later import listed

__getattr__, __dir__ = listed(__name__, __file__)
