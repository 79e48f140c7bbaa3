"""IMG-02: give a service account the credentials of a private registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from remediation import (
    CREDENTIALS,
    KNOWN_AFTER_APPLY,
    Caution,
    Cluster,
    Email,
    Ensure,
    Facts,
    FailedPull,
    FailedPulls,
    Finding,
    GoogleAccount,
    KubernetesObject,
    Namespace,
    Note,
    ObjectName,
    ObjectNamed,
    PullFailure,
    RegistryHost,
    Risk,
    Steps,
    Unchecked,
    advice,
    allow,
    command,
    few,
    may_not_exist,
    need,
    runbook,
)

from .artifacts import NOT_ASKED, NOT_SEEN, Repositories, RepositoryReader
from .credentials import AccountKeys, Credential, KeyFile, RegistryCredential
from .pods.controllers import StuckPods
from .pods.renewed_pods import RenewedPods
from .proof import PodsPull
from .secret.pull_secret import PullSecret
from .secret.secret_copy import SecretCopy
from .secret.users import Elsewhere
from .service_account_key import LIMIT, ServiceAccountKey

# A kubelet that could not pull tries again after 5 minutes at most.
_BACK_OFF = 330
_BIND = ("gcloud", "artifacts", "repositories", "add-iam-policy-binding")
_READER = "--role=roles/artifactregistry.reader"
# What credentials do not repair.
_OTHER = {
    PullFailure.NOT_FOUND: "the image does not exist: check its name and tag",
    PullFailure.NETWORK: "there is no path from the node to the registry",
    PullFailure.DNS: "the node cannot resolve the registry's name",
    PullFailure.POLICY: "a VPC Service Controls perimeter forbids it",
    PullFailure.PLATFORM: "there is no such image for the node's platform",
}


def _attached(namespace: str, account: str, secret: str) -> KubernetesObject:
    return KubernetesObject(
        "v1",
        "ServiceAccount",
        account,
        namespace,
        {"imagePullSecrets": [{"name": secret}]},
        may="patch",
        reason="the service account names the secret already",
    )


def _source(key_file: str | None, account: str | None) -> str:
    return f"file:{key_file}" if key_file else f"key:{account}"


def _needs(
    target: Cluster,
    namespace: str = "NAMESPACE",
    registry: str = "gcr.io",
    service_account: str = "KSA",
    secret: str = "",
    google_service_account: str | None = None,
    from_key_file: str | None = None,
    **_: Any,
) -> list[Any]:
    name, email = secret or f"{service_account}-registry", google_service_account
    keys = (
        [GoogleAccount(email), ServiceAccountKey(email), AccountKeys(email), RepositoryReader(email, "")]
        if email
        else []
    )
    return [
        PullSecret(
            namespace, name, registry, _source(from_key_file, email), service_account=service_account, row="IMG-02"
        ),
        SecretCopy(namespace, name),
        _attached(namespace, service_account, name),
        ObjectNamed("v1", "Namespace", namespace),
        Elsewhere(namespace, name, service_account),
        RenewedPods(namespace, service_account, registry, name),
        StuckPods(namespace, service_account, registry, name),
        PodsPull(namespace, service_account, registry, name),
        *keys,
    ]


def _diagnose(target: Cluster, facts: Facts) -> Iterator[Finding]:
    found = [_finding(item) for item in facts(FailedPulls())]
    yield from found or [Finding("healthy", "no pod waits for an image")]


def _finding(failed: FailedPull) -> Finding:
    who = f"pods of {failed.namespace}/{failed.service_account} cannot pull from {failed.host}"
    pod = f"pod/{failed.namespace}/{failed.pod}"
    if failed.kind is PullFailure.UNKNOWN:
        return Finding("unknown", f"{who}: it is not said why, see the events of {pod}", pod, failed.messages)
    if failed.kind not in CREDENTIALS:
        return Finding("not_applicable", f"{who}: {_OTHER[failed.kind]}", pod, failed.messages)
    parameters = {"namespace": failed.namespace, "registry": failed.host, "service-account": failed.service_account}
    parameters |= {"from-key-file": "KEY.json"} | ({"secret": failed.missing} if failed.missing else {})
    if failed.missing:
        who += f": there is no pull secret {failed.missing}"
        return Finding("fault", who, pod, failed.messages, "probable", parameters=parameters)
    unsure = any(map(may_not_exist, failed.messages))
    who += "; the registry says the same where there is no such repository" if unsure else ""
    return Finding("fault", who, pod, failed.messages, "possible" if unsure else "probable", parameters=parameters)


def _wanted(
    facts: Facts, host: str, key_file: str | None, account: str | None, present: Credential | None
) -> Credential | None:
    """Return the credential to put in, None when a new key has to be made first."""
    if key_file:
        return facts(KeyFile(key_file, host))
    alive = [key for key in facts(AccountKeys(str(account))) if not key["disabled"]]
    if present is None or present.account != account:
        return None
    return present if any(key["name"].endswith("/" + present.key_id) for key in alive) else None


@runbook(
    id="IMG-02",
    risk=Risk.HIGH,
    alerts=("ImagePullBackOff",),
    needs=_needs,
    diagnose=_diagnose,
    source="https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
    example="--namespace shop --service-account web --registry europe-docker.pkg.dev --from-key-file key.json",
    one_of=("from_key_file", "google_service_account"),
)
def pull_secret(
    target: Cluster,
    facts: Facts,
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
    name = secret or f"{service_account}-registry"
    only = "exactly one of --from-key-file and --google-service-account is allowed"
    allow(bool(from_key_file) != bool(google_service_account), only)
    if from_key_file:
        account = facts(KeyFile(from_key_file, registry)).account
        yield Unchecked(f"that {account} may read the images", NOT_ASKED)
    _there(facts, namespace, service_account)
    if google_service_account:
        _alive(facts, google_service_account)
    present = facts(RegistryCredential(namespace, name, registry))
    wanted = _wanted(facts, registry, from_key_file, google_service_account, present)
    if google_service_account and wanted is None:
        yield from _may_read(facts, google_service_account, Repositories(namespace, service_account, registry))
        yield from _new_key(facts, google_service_account)
    source = _source(from_key_file, google_service_account)
    found = wanted or Credential(str(google_service_account), KNOWN_AFTER_APPLY, KNOWN_AFTER_APPLY)
    yield from _put(facts, _holds(namespace, name, registry, source, found, service_account), present)
    yield _attached(namespace, service_account, name)
    yield RenewedPods(namespace, service_account, registry, name)
    yield _pulled(facts, namespace, service_account, registry, name)
    yield from _open_questions(namespace, service_account)


def _holds(
    namespace: str, name: str, registry: str, source: str, found: Credential, service_account: str
) -> PullSecret:
    about = {"account": found.account, "key_id": found.key_id, "service_account": service_account, "row": "IMG-02"}
    return PullSecret(namespace, name, registry, source, found.fingerprint, **about)


def _pulled(facts: Facts, namespace: str, service_account: str, registry: str, secret: str) -> Ensure:
    """Wait for every pod that is stuck now; many of them take longer than a few."""
    stuck = facts(StuckPods(namespace, service_account, registry, secret))
    return Ensure(
        PodsPull(namespace, service_account, registry, secret, stuck),
        within=max(_BACK_OFF, 2 * sum(count for *_, count in stuck)),
    )


def _open_questions(namespace: str, service_account: str) -> Steps:
    """Say what nobody looked at, and what a reader should know before agreeing."""
    yield Note("a grant instead of a key", "roles/artifactregistry.reader for the nodes' account would need no secret")
    yield Caution("what else the account may do", "whoever gets the key may do all of it; it should only read images")
    yield Unchecked("where else the key is used", "IAM does not tell; use a key of its own for each cluster")
    if service_account == "default":
        reason = f"new pods of {namespace} that name no service account carry the secret too"
        yield Caution("who else gets the secret", reason)


def _alive(facts: Facts, email: str) -> None:
    """Refuse an account whose keys would not work."""
    account = facts(GoogleAccount(email))
    allow(
        account is not None,
        f"--google-service-account {email!r} does not exist; allowed is a service account",
        command("gcloud", "iam", "service-accounts", "list"),
    )
    need(
        not (account or {}).get("disabled"),
        f"{email} is disabled, so no key of it works; if nobody has a reason for that, enable it",
        command("gcloud", "iam", "service-accounts", "enable", email),
    )


def _there(facts: Facts, namespace: str, service_account: str) -> None:
    """Refuse a namespace or service account that does not exist."""
    facts.together(
        ObjectNamed("v1", "Namespace", namespace), ObjectNamed("v1", "ServiceAccount", service_account, namespace)
    )
    allow(
        facts(ObjectNamed("v1", "Namespace", namespace)) is not None,
        f"--namespace {namespace!r} does not exist; allowed is a namespace of this cluster",
        command("kubectl", "get", "namespaces"),
    )
    allow(
        facts(ObjectNamed("v1", "ServiceAccount", service_account, namespace)) is not None,
        f"--service-account {service_account!r} does not exist; allowed is one of namespace {namespace!r}",
        command("kubectl", "-n", namespace, "get", "serviceaccounts"),
    )


def _put(facts: Facts, wanted: PullSecret, present: Credential | None) -> Steps:
    """Change a Secret only if nothing else uses it, with a copy of what it held."""
    if present is None or wanted.wanted != present.fingerprint:
        elsewhere = facts(Elsewhere(wanted.namespace, wanted.name, wanted.service_account))
        need(
            not elsewhere,
            f"{wanted.address} is used elsewhere too: {few(elsewhere)}",
            advice("choose another name with --secret NAME"),
        )
        if present is not None:
            yield SecretCopy(wanted.namespace, wanted.name)
    yield wanted


def _new_key(facts: Facts, account: str) -> Steps:
    """Make a key unless the account has as many as Google allows."""
    keys = facts(AccountKeys(account))
    need(len(keys) < LIMIT, f"{account} has {len(keys)} keys of {LIMIT}; delete one that is not used")
    yield ServiceAccountKey(account, tuple(key["name"] for key in keys))


def _may_read(facts: Facts, account: str, used: Repositories) -> Steps:
    """Refuse to make a key that would not help, as far as policies tell."""
    repositories, member = facts(used), f"serviceAccount:{account}"
    for name in repositories:
        found = facts(RepositoryReader(account, name))
        _, project, _, location, _, repository = name.split("/")
        need(
            found.answer is not False,
            f"a key of {account} would not help: it may not read {name}; {found.why} "
            "(where a folder does, make the key yourself and give it with --from-key-file)",
            command(
                *_BIND, repository, f"--project={project}", f"--location={location}", f"--member={member}", _READER
            ),
        )
        if found.answer is None:
            yield Unchecked(f"that {account} may read {name}", found.why)
        yield Unchecked(f"what else may keep {account} from reading {name}", NOT_SEEN)
    if not repositories:
        yield Unchecked(
            f"that {account} may read the images", f"no pod names an Artifact Registry image on {used.host}"
        )
