"""What a run writes beside the Secret."""

from __future__ import annotations

from remediation import KubernetesObject


def attached(namespace: str, account: str, secret: str) -> KubernetesObject:
    """Return a service account that gives the secret to its new pods."""
    return KubernetesObject(
        "v1",
        "ServiceAccount",
        account,
        namespace,
        {"imagePullSecrets": [{"name": secret}]},
        may="patch",
        reason="the service account names the secret already",
    )
