"""What the status of a pod says about its images: which registries they come from, what was pulled, and what was not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from remediation import State, container_has_started, containers_of, controller_of, name_of, pull_failures, pulls_from


def pull_secrets(pod: State) -> set[str]:
    """Return the names of a pod's pull secrets."""
    return {item.get("name", "") for item in pod["spec"].get("imagePullSecrets") or []}


def carries(pod: State, secret: str) -> bool:
    """Tell whether a pod names a pull secret."""
    return secret in pull_secrets(pod)


def lacking(pods: Iterable[State], account: State | None, host: str, secret: str) -> list[State]:
    """Return the pods of a service account that a controller would make anew with the pull secret they do not have.

    Only those that never ran: others may have logs or a result that somebody needs. A pod whose template names pull
    secrets gets none of its service account's, so making it anew would not help.

    Args:
        pods: any pods of the namespace.
        account: the service account; None when it does not exist.
        host: only pods with an image from this registry.
        secret: the pull secret.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account
    """
    of = name_of(account) if account else ""
    given = {secret, *(item.get("name") for item in (account or {}).get("imagePullSecrets") or [])}
    return [
        pod
        for pod in pods
        if concerns(pod, of, host) and not carries(pod, secret) and pull_secrets(pod) <= given
        if controller_of(pod) and never_ran(pod)
    ]


def stuck(pods: Iterable[State], account: State | None, host: str, secret: str) -> list[State]:
    """Return those of `lacking` whose image could not be pulled."""
    return [pod for pod in lacking(pods, account, host, secret) if pull_failures(pod, host)]


def concerns(pod: State, account: str, host: str) -> bool:
    """Tell whether a pod that is to stay runs as a service account and has an image from a registry."""
    ours = pod["spec"].get("serviceAccountName", "default") == account and pulls_from(pod, host)
    return ours and "deletionTimestamp" not in pod["metadata"]


def first_started_since(pod: State, moment: float) -> bool:
    """Tell whether every container was started after a moment, in seconds since 1970, and never before."""
    statuses = [status for _, status in containers_of(pod)]
    begun = [((status.get("state") or {}).get("running") or {}).get("startedAt") for status in statuses]
    again = any(status.get("lastState") for status in statuses)
    return not again and all(text and datetime.fromisoformat(text).timestamp() >= moment for text in begun)


def created(obj: State) -> float:
    """Return when the API server made an object, in seconds since 1970 and whole ones."""
    return datetime.fromisoformat(obj["metadata"]["creationTimestamp"]).timestamp()


def running(pod: State) -> bool:
    """Tell whether any container of the pod runs."""
    return any("running" in (status.get("state") or {}) for _, status in containers_of(pod))


def never_ran(pod: State) -> bool:
    """Tell whether nothing of the pod's own ever ran, so that it has no logs and no result to lose."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return (
        pod.get("status", {}).get("phase", "Pending") == "Pending"
        and not any(map(container_has_started, statuses))
        and not running(pod)
    )
