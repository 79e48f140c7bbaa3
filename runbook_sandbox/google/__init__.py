"""Emulated Google APIs: projects, services, GKE, service accounts and their keys; over HTTP, and gRPC for IAM."""

from runbook_sandbox.google.cloud import OWNER, GoogleCloud
from runbook_sandbox.google.faults import Fault
from runbook_sandbox.google.server import Server, serve

__all__ = ["OWNER", "Fault", "GoogleCloud", "Server", "serve"]
