"""The REST methods that are emulated; importing this is what registers them."""

from runbook_sandbox.google import containers, projects, service_accounts, services
from runbook_sandbox.google.routing import dispatch

__all__ = ["containers", "dispatch", "projects", "service_accounts", "services"]
