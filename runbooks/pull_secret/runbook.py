"""IMG-02: give a service account the credentials of a private registry."""

from __future__ import annotations

from typing import Annotated

from remediation import Email, Ensure, Namespace, ObjectName, RegistryHost, Risk, Steps, runbook

from .findings import findings
from .new_key import new_key
from .objects import attached
from .pods.renewed_pods import RenewedPods
from .proof import PodsPull
from .refusals import require_alive, require_one_source, require_place
from .remarks import not_asked, open_questions
from .secret.put import put
from .situation import Situation


@runbook(
    id="IMG-02",
    risk=Risk.HIGH,
    alerts=("ImagePullBackOff",),
    diagnose=findings,
    source="https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
    example="--namespace shop --service-account web --registry europe-docker.pkg.dev --from-key-file key.json",
    one_of=("from_key_file", "google_service_account"),
)
def pull_secret(
    now: Situation,
    namespace: Annotated[Namespace, "namespace of the pods that cannot pull"],
    registry: Annotated[RegistryHost, "registry host of the images, such as europe-docker.pkg.dev"],
    service_account: Annotated[ObjectName, "Kubernetes service account of the pods", "KSA"],
    from_key_file: Annotated[
        str | None, "key file of a Google service account; - reads standard input", "FILE|-"
    ] = None,
    google_service_account: Annotated[Email | None, "make a new key of this Google service account"] = None,
    secret: Annotated[ObjectName | None, "name of the Secret; KSA-registry when not given"] = None,
) -> Steps:
    """Create a registry pull secret and attach it to a service account.

    Symptoms: `ImagePullBackOff` with `403 Forbidden`, `401 Unauthorized` or `insufficient_scope`;
    `Unable to retrieve some image pull secrets`.

    Cause: the nodes' own identity may not read the registry. Grant it roles/artifactregistry.reader on the repository
    where you can; a key is the last resort, for foreign clusters and other clouds.

    Impact: new pods of the service account carry the secret; pods that never started are deleted so that their
    controller makes new ones. With --google-service-account a long-lived key is created.

    Rollback: the secret is detached and deleted, the key disabled and deleted; running pods go on, new pulls fail.
    """
    require_one_source(now)
    if from_key_file:
        yield from not_asked(now)
    require_place(now)
    if google_service_account:
        require_alive(now, google_service_account)
        if now.known is None:
            yield from new_key(now, google_service_account)
    yield from put(now)
    pods = (namespace, service_account, registry, now.secret)
    yield attached(namespace, service_account, now.secret)
    yield RenewedPods(*pods)
    yield Ensure(PodsPull(*pods, now.stuck), within=now.takes)
    yield from open_questions(namespace, service_account)
