"""What a run asks and touches, for rights and records alike."""

from __future__ import annotations

from typing import Any

from remediation import Cluster, GoogleAccount, ObjectNamed

from .artifacts import RepositoryReader
from .credentials import AccountKeys
from .objects import attached
from .pods.controllers import StuckPods
from .pods.renewed_pods import RenewedPods
from .proof import PodsPull
from .secret.pull_secret import PullSecret
from .secret.secret_copy import SecretCopy
from .secret.users import Elsewhere
from .service_account_key import ServiceAccountKey


def needs(
    target: Cluster,
    namespace: str = "NAMESPACE",
    registry: str = "gcr.io",
    service_account: str = "KSA",
    secret: str = "",
    google_service_account: str | None = None,
    from_key_file: str | None = None,
    **_: Any,
) -> list[Any]:
    """Return every fact, resource and check."""
    name, email = secret or f"{service_account}-registry", google_service_account
    keys = (
        [GoogleAccount(email), ServiceAccountKey(email), AccountKeys(email), RepositoryReader(email, "")]
        if email
        else []
    )
    return [
        PullSecret(
            namespace,
            name,
            registry,
            f"file:{from_key_file}" if from_key_file else f"key:{email}",
            service_account=service_account,
            row="IMG-02",
        ),
        SecretCopy(namespace, name),
        attached(namespace, service_account, name),
        ObjectNamed("v1", "Namespace", namespace),
        Elsewhere(namespace, name, service_account),
        RenewedPods(namespace, service_account, registry, name),
        StuckPods(namespace, service_account, registry, name),
        PodsPull(namespace, service_account, registry, name),
        *keys,
    ]
