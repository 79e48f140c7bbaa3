"""What may be shown of a pull secret, and the names that go with it."""

from __future__ import annotations

import base64
from typing import Any

from remediation import ROW_ANNOTATION, RUN_ANNOTATION, State

from .docker_config import DockerConfig

TYPE, DATA_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
# Whose credentials a run has put in, and for which registry.
ACCOUNT_ANNOTATION, KEY_ANNOTATION, HOST_ANNOTATION = "runbook/service-account", "runbook/key-id", "runbook/registry"
NOTES = (RUN_ANNOTATION, ROW_ANNOTATION, ACCOUNT_ANNOTATION, KEY_ANNOTATION, HOST_ANNOTATION)


def shown(secret: State, digest: Any) -> State:
    """Return a pull secret as plans and journals may show it: registries with fingerprints instead of credentials."""
    config = DockerConfig.parse(base64.b64decode((secret.get("data") or {}).get(DATA_KEY, "")))
    annotations = secret["metadata"].get("annotations") or {}
    notes = {key: value for key, value in annotations.items() if key in NOTES}
    return {"type": secret.get("type"), "registries": config.fingerprints(digest)} | (
        {"annotations": notes} if notes else {}
    )


def copy_name(name: str) -> str:
    """Return the name of the Secret that keeps the credentials from before."""
    return f"{name}-before-runbook"
