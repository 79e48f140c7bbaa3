"""The REST methods that are emulated; importing this is what registers them."""

from runbook_sandbox.google import compute, containers, dns, projects, service_accounts, services
from runbook_sandbox.google.routing import dispatch

__all__ = ["compute", "containers", "dispatch", "dns", "projects", "service_accounts", "services"]
