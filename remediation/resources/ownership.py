"""Who else writes an object: a controller that would revert our change, or fight it."""

from __future__ import annotations

from remediation.diffing import State

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


def owner_of(current: State | None, instead: str = "") -> str | None:
    """Return the name of the controller that owns an object, with what can be done instead of a change; or None."""
    metadata = (current or {}).get("metadata", {})
    for values, marks in ((metadata.get("labels"), _LABELS), (metadata.get("annotations"), _ANNOTATIONS)):
        for key, (value, owner) in marks.items():
            found = (values or {}).get(key)
            if found is not None and value in ("", found):
                return f"{owner} ({instead})" if instead else owner
    return None
