"""Emulated Google APIs: projects, services, GKE, service accounts and their keys; over HTTP, and gRPC for keys."""

from remediation.sandbox.google.cloud import GoogleCloud
from remediation.sandbox.google.faults import Fault
from remediation.sandbox.google.server import Server, serve

__all__ = ["Fault", "GoogleCloud", "Server", "serve"]
