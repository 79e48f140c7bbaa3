"""The verbs as a Python API: what the command line, a service and a notebook call. `Workspace` has them all."""

from __future__ import annotations

from remediation.verbs.settings import Settings as Settings
from remediation.verbs.workspace import Workspace as Workspace
