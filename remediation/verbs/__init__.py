"""The verbs as a Python API: what the command line, a service and a notebook call. `Workspace` has them all.

Its names stand in ``__init__.pyi``, each loaded when it is first used.
"""

from __future__ import annotations

from remediation.model.later import listed

__getattr__, __dir__ = listed(__name__, __file__)
