"""The values that the API server fills in, in a pod spec and in what templates hold.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ and the answers of kube-apiserver 1.36.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_MODE = 0o644


def fill(place: Json, **values: Any) -> None:
    """Set what is absent."""
    for key, value in values.items():
        place.setdefault(key, value)


def containers(spec: Json) -> Iterator[Json]:
    """Return the init containers and containers of a pod spec."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def pod_spec(spec: Json) -> None:
    """Fill in a pod spec, of a pod or of a template."""
    fill(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        terminationGracePeriodSeconds=30,
        securityContext={},
        schedulerName="default-scheduler",
    )
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for each in containers(spec):
        _container(each, host_network=bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Json, *, host_network: bool) -> None:
    image = str(container.get("image", ""))
    latest = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    pull = "Always" if latest and "@" not in image else "IfNotPresent"
    fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=pull,
    )
    _resources(container["resources"])
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if host_network:
            port.setdefault("hostPort", port.get("containerPort"))
    for variable in container.get("env", ()):
        if "fieldRef" in variable.get("valueFrom", {}):
            variable["valueFrom"]["fieldRef"].setdefault("apiVersion", "v1")
    for name in _PROBES:
        if name in container:
            _probe(container[name])


def _resources(resources: Json) -> None:
    for name, amount in resources.get("limits", {}).items():
        resources.setdefault("requests", {}).setdefault(name, amount)


def _probe(probe: Json) -> None:
    fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if "httpGet" in probe:
        fill(probe["httpGet"], path="/", scheme="HTTP")
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _volume(volume: Json) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if source in volume:
            volume[source].setdefault("defaultMode", _MODE)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for item in volume.get("downwardAPI", {}).get("items", ()):
        item.get("fieldRef", {}).setdefault("apiVersion", "v1")
    for source in volume.get("projected", {}).get("sources", ()):
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)


def claim(obj: Json) -> None:
    """Fill in a claim of a volume, or a template of claims."""
    fill(obj["spec"], volumeMode="Filesystem")
    obj.setdefault("status", {})["phase"] = "Pending"
