"""What the status of a pod says about its images: which registries they come from, what was pulled, and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from remediation import Ref, State, image_host, limits, name_of, same_host

_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff")


def containers(pod: State) -> Iterator[tuple[State, State]]:
    """Yield each container of a pod with its status, which is empty when there is none yet."""
    spec, status = pod["spec"], pod.get("status", {})
    statuses = {
        item["name"]: item for kind in ("initContainerStatuses", "containerStatuses") for item in status.get(kind) or []
    }
    for item in (spec.get("initContainers") or []) + spec["containers"]:
        yield item, statuses.get(item["name"], {})


def hosts(pod: State) -> set[str]:
    """Return the registries that the pod's images come from."""
    return {host for item, _ in containers(pod) if (host := _host(item))}


def _host(container: State) -> str | None:
    """Return the registry of a container's image; an image that cannot be parsed comes from nowhere."""
    try:
        return image_host(container.get("image", ""))
    except ValueError:
        return None


def pulls_from(pod: State, host: str) -> bool:
    """Tell whether any image of the pod comes from a registry."""
    return any(_is_of(item, host) for item, _ in containers(pod))


def _is_of(container: State, host: str) -> bool:
    found = _host(container)
    return found is not None and same_host(found, host)


def pull_failures(pod: State, host: str) -> list[str]:
    """Return the messages of containers that wait because their image from the registry cannot be pulled."""
    found = []
    for item, status in containers(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _PULL_REASONS and _is_of(item, host):
            found.append(limits.message(str(waiting.get("message") or waiting["reason"])))
    return found


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
        if controller(pod) and never_ran(pod)
    ]


def stuck(pods: Iterable[State], account: State | None, host: str, secret: str) -> list[State]:
    """Return those of `lacking` whose image could not be pulled."""
    return [pod for pod in lacking(pods, account, host, secret) if pull_failures(pod, host)]


def concerns(pod: State, account: str, host: str) -> bool:
    """Tell whether a pod that is to stay runs as a service account and has an image from a registry."""
    ours = pod["spec"].get("serviceAccountName", "default") == account and pulls_from(pod, host)
    return ours and "deletionTimestamp" not in pod["metadata"]


def started(pod: State) -> bool:
    """Tell whether every container has been started, which takes a pulled image; one that crashed since was started too."""
    statuses = [status for _, status in containers(pod)]
    return all(_ran(status) for status in statuses) and bool(statuses)


def _ran(status: State) -> bool:
    return bool({"running", "terminated"} & set(status.get("state") or {}) or status.get("lastState"))


def first_started_since(pod: State, moment: float) -> bool:
    """Tell whether every container was started after a moment, in seconds since 1970, and never before."""
    statuses = [status for _, status in containers(pod)]
    begun = [((status.get("state") or {}).get("running") or {}).get("startedAt") for status in statuses]
    again = any(status.get("lastState") for status in statuses)
    return not again and all(text and datetime.fromisoformat(text).timestamp() >= moment for text in begun)


def created(obj: State) -> float:
    """Return when the API server made an object, in seconds since 1970 and whole ones."""
    return datetime.fromisoformat(obj["metadata"]["creationTimestamp"]).timestamp()


def running(pod: State) -> bool:
    """Tell whether any container of the pod runs."""
    return any("running" in (status.get("state") or {}) for _, status in containers(pod))


def never_ran(pod: State) -> bool:
    """Tell whether nothing of the pod's own ever ran, so that it has no logs and no result to lose."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return (
        pod.get("status", {}).get("phase", "Pending") == "Pending" and not any(map(_ran, statuses)) and not running(pod)
    )


def controller(pod: State) -> Ref | None:
    """Return the controller that will replace the pod when it is deleted, None for a pod of nobody's."""
    owners = [owner for owner in pod["metadata"].get("ownerReferences") or [] if owner.get("controller")]
    return Ref(owners[0]["apiVersion"], owners[0]["kind"], owners[0]["name"]) if owners else None
