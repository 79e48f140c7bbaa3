"""Events that controllers and kubelets record."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.objects import Object, new_uid, now, suffix
from runbook_sandbox.kubernetes.store import Store


def record(store: Store, about: Object, what: tuple[str, str, str], source: tuple[str, str]) -> None:
    """Store an event about an object; the same event again only counts up.

    Args:
        store: where to.
        about: the object the event is about.
        what: type, `Normal` or `Warning`; reason; and text.
        source: the component that reports, and the node it runs on, empty where it is on none.
    """
    namespace = about["metadata"].get("namespace", "default")
    with store.lock:
        same = _find(store, namespace, about, what)
        if same is not None:
            store.put("events", same | {"count": same.get("count", 1) + 1, "lastTimestamp": now()})
        else:
            store.put("events", _new(namespace, about, what, source))


def _find(store: Store, namespace: str, about: Object, what: tuple[str, str, str]) -> Object | None:
    for event in store.list("events", namespace):
        same = event["involvedObject"].get("uid") == about["metadata"]["uid"]
        if same and (event.get("reason"), event.get("message")) == what[1:]:
            return {**event, "metadata": dict(event["metadata"])}
    return None


def _new(namespace: str, about: Object, what: tuple[str, str, str], source: tuple[str, str]) -> Object:
    found, (component, host) = about["metadata"], source
    reference: dict[str, Any] = {
        "kind": about["kind"],
        "apiVersion": about["apiVersion"],
        "name": found["name"],
        "uid": found["uid"],
        "resourceVersion": found.get("resourceVersion", ""),
    } | ({"namespace": found["namespace"]} if "namespace" in found else {})
    name = f"{found['name']}.{suffix(16)}"
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "involvedObject": reference,
        "type": what[0],
        "reason": what[1],
        "metadata": {"name": name, "namespace": namespace, "uid": new_uid(), "creationTimestamp": now()},
        "message": what[2],
        "source": {"component": component} | ({"host": host} if host else {}),
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": host,
    }
