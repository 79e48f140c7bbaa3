"""Have the API server store what kwok reports as what the kubelets report that it plays."""

from __future__ import annotations

from pathlib import Path

import yaml

from runbook_sandbox.control_plane.admin_api import AdminApi

_POLICY = Path(__file__).with_suffix(".yaml")
_PATHS = ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
_EVENT = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "probe", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "name": "probe", "namespace": "default"},
    "source": {"component": "kwok_controller"},
    "message": "node-1 says: up",
}


def put_policy(api: AdminApi) -> None:
    """Create the policy and its binding."""
    for path, document in zip(_PATHS, yaml.safe_load_all(_POLICY.read_text("utf-8")), strict=True):
        api.request("POST", f"/apis/{document['apiVersion']}/{path}", document)


def is_in_force(api: AdminApi) -> bool:
    """Tell whether the API server has the policy by now: it changes an event that is only tried."""
    tried = api.request("POST", "/api/v1/namespaces/default/events?dryRun=All", _EVENT)
    return bool((tried["message"], tried["source"].get("host")) == ("up", "node-1"))
