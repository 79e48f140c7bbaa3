"""Which registries a pod's images come from, what was pulled, and what was not, as its own status says."""

from __future__ import annotations

from collections.abc import Iterator

from remediation.model.diffing import State
from remediation.model.images import image_host, same_host
from remediation.model.limits import message
from remediation.model.refs import Ref

_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff")


def containers_of(pod: State) -> Iterator[tuple[State, State]]:
    """Yield each container of a pod with its status, which is empty when there is none yet."""
    spec, status = pod["spec"], pod.get("status", {})
    statuses = {
        item["name"]: item for kind in ("initContainerStatuses", "containerStatuses") for item in status.get(kind) or []
    }
    for item in (spec.get("initContainers") or []) + spec["containers"]:
        yield item, statuses.get(item["name"], {})


def hosts(pod: State) -> set[str]:
    """Return the registries that the pod's images come from."""
    return {host for item, _ in containers_of(pod) if (host := _host(item))}


def _host(container: State) -> str | None:
    """Return the registry of a container's image; an image that cannot be parsed comes from nowhere."""
    try:
        return image_host(container.get("image", ""))
    except ValueError:
        return None


def pulls_from(pod: State, host: str) -> bool:
    """Tell whether any image of the pod comes from a registry."""
    return any(_is_of(item, host) for item, _ in containers_of(pod))


def _is_of(container: State, host: str) -> bool:
    found = _host(container)
    return found is not None and same_host(found, host)


def pull_failures(pod: State, host: str) -> list[str]:
    """Return the messages of containers that wait because their image from the registry cannot be pulled."""
    found = []
    for item, status in containers_of(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _PULL_REASONS and _is_of(item, host):
            found.append(message(str(waiting.get("message") or waiting["reason"])))
    return found


def has_started(pod: State) -> bool:
    """Tell whether every container has been started, which takes a pulled image; one that crashed since was started too."""
    statuses = [status for _, status in containers_of(pod)]
    return all(container_has_started(status) for status in statuses) and bool(statuses)


def container_has_started(status: State) -> bool:
    """Tell whether a container was ever started, by its status."""
    return bool({"running", "terminated"} & set(status.get("state") or {}) or status.get("lastState"))


def controller_of(pod: State) -> Ref | None:
    """Return the controller that will replace the pod when it is deleted, None for a pod of nobody's."""
    owners = [owner for owner in pod["metadata"].get("ownerReferences") or [] if owner.get("controller")]
    return Ref(owners[0]["apiVersion"], owners[0]["kind"], owners[0]["name"]) if owners else None
