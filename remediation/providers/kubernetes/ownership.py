"""Who else writes an object: a controller that would revert our change, or fight it."""

from __future__ import annotations

from remediation.model.diffing import State
from remediation.providers.kubernetes.managed_fields import entries

_LABELS = {
    "addonmanager.kubernetes.io/mode": ("Reconcile", "the GKE addon manager"),
    "app.kubernetes.io/managed-by": ("Helm", "Helm"),
    "argocd.argoproj.io/instance": ("", "Argo CD"),
    "kustomize.toolkit.fluxcd.io/name": ("", "Flux"),
    "helm.toolkit.fluxcd.io/name": ("", "Flux"),
    "configmanagement.gke.io/system": ("", "Config Sync"),
}
_ANNOTATIONS = {
    "argocd.argoproj.io/tracking-id": ("", "Argo CD"),
    "configmanagement.gke.io/managed": ("enabled", "Config Sync"),
    "cnrm.cloud.google.com/management-conflict-prevention-policy": ("", "Config Connector"),
    "meta.helm.sh/release-name": ("", "Helm"),
}
# The field managers under which tools write that keep whole objects as they want them. People write as kubectl-…, the
# cluster's own bookkeeping as kube-…; neither is among them.
# Source: the constants of argo-cd (ArgoCDSSAManager), flux2, helm and config sync (FieldManager), and the user agents of
# Terraform and Pulumi, which the API server takes for the name up to the slash; Pulumi adds a number of its own.
_MANAGERS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "flux": "Flux",
    "helm": "Helm",
    "configsync.gke.io": "Config Sync",
    "cnrm-controller-manager": "Config Connector",
    "Terraform": "Terraform",
    "HashiCorp": "Terraform",
    "pulumi-kubernetes": "Pulumi",
}
# They also set single labels and annotations on objects of others.
_LABELLERS = ("Terraform",)


def owner_of(current: State | None, instead: str = "") -> str | None:
    """Return the name of the controller that owns an object, with what can be done instead of a change; or None."""
    owner = _owner(current or {})
    return f"{owner} ({instead})" if owner and instead else owner


def _owner(current: State) -> str | None:
    metadata = current.get("metadata", {})
    for values, marks in ((metadata.get("labels"), _LABELS), (metadata.get("annotations"), _ANNOTATIONS)):
        for key, (value, owner) in marks.items():
            found = (values or {}).get(key)
            if found is not None and value in ("", found):
                return owner
    return _controller(metadata) or next(filter(None, map(_manager, entries(current))), None)


def _controller(metadata: State) -> str | None:
    """Return what made the object for a purpose of its own: the reference that is marked as its controller."""
    found = (item for item in metadata.get("ownerReferences") or [] if item.get("controller"))
    return next((f"{item.get('kind')}/{item.get('name')}" for item in found), None)


def _manager(entry: State) -> str | None:
    """Return the tool that an entry of the managed fields belongs to; its status is written by others too."""
    name = entry["manager"]
    owner = next(
        (tool for known, tool in _MANAGERS.items() if name == known or name.startswith((f"{known}/", f"{known}-"))),
        None,
    )
    only_notes = set(entry.get("fieldsV1") or {}) <= {"f:metadata"}
    return None if entry.get("subresource") or (only_notes and owner in _LABELLERS) else owner
