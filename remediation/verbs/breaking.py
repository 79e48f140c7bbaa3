"""Break a world through the API of its cluster, like an unlucky colleague would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from remediation.model.diffing import State, diff, json_patch, merge
from remediation.model.errors import Conflict, NotFound, Unavailable
from remediation.model.refs import Ref
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.verbs.settings import Sandbox

States = list[State]
_SECONDS = 20.0


class ServedWorld:
    """A cluster that answers at an address, and the embedded cloud beside it.

    Args:
        client: what the cluster is asked through, with every right.
        tell: takes what the embedded cloud is to break.
        places: what ``{host}`` and the like stand for.
        marks: the annotations and labels that its nodes obey.
        real: whether the API server is a real one.
    """

    def __init__(
        self,
        client: KubernetesClient,
        tell: Callable[..., object],
        places: Mapping[str, str],
        marks: Mapping[str, str],
        *,
        real: bool = False,
    ) -> None:
        self.client, self.places, self.marks, self.real = client, places, marks, real
        self._tell = tell

    @classmethod
    def of_sandbox(
        cls,
        sandbox: Sandbox,
        tell: Callable[..., object],
        places: Mapping[str, str],
        marks: Mapping[str, str],
        *,
        real: bool,
    ) -> ServedWorld:
        """Return the world of a running sandbox."""
        configuration, _ = configurations.load(str(sandbox.kubeconfig), sandbox.context)
        return cls(KubernetesClient(configuration), tell, places, marks, real=real)

    def read(self, ref: Ref) -> State | None:
        """Return an object, None where there is none."""
        try:
            return self.client.read(ref)
        except NotFound:
            return None

    def list(self, ref: Ref, labels: str = "") -> States:
        """Return every object of a kind that the selector matches."""
        return self.client.list(ref, labels=labels)

    def put(self, obj: State) -> State:
        """Replace an object by this one, whatever was there; its namespace is made when there is none."""
        ref = ref_of(obj)
        self.delete(ref)
        try:
            return self.client.create(ref, obj)
        except NotFound:
            self._make_namespace(ref.namespace)
            return self.client.create(ref, obj)

    def _make_namespace(self, name: str) -> None:
        obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        with suppress(Conflict):
            self.client.create(ref_of(obj), obj)

    def change(self, ref: Ref, wanted: State) -> None:
        """Let an object hold these fields too."""
        before = self.client.read(ref)
        self.client.patch(ref, json_patch(before, diff(before, merge(before, wanted))))

    def delete(self, ref: Ref) -> None:
        """Delete an object and wait until it is gone; one that is gone already is fine."""
        with suppress(NotFound):
            self.client.delete(ref, self.client.read(ref)["metadata"]["uid"])
            self.wait_until(lambda: self.read(ref) is None, f"{ref.address} is gone")

    def run(self, name: str, image: str, replicas: int = 1, *, namespace: str = "shop", **pod: Any) -> None:
        """Run pods of a Deployment; ``labels``, ``annotations`` and ``spec`` are theirs."""
        labels = {"app": name} | pod.pop("labels", {})
        spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": name, "image": image}]} | pod.pop(
            "spec", {}
        )
        template = {"metadata": {"labels": labels, **pod}, "spec": spec}
        selected = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
        about = {"name": name, "namespace": namespace}
        self.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": selected})

    def report(self, app: str, reason: str, message: str) -> None:
        """Let the kubelet of a pod of ``app`` in ``shop`` warn of something, once the pod has a node."""
        self.wait_until(lambda: self._placed(app), f"the pod {app} has a node")
        self.put(_warning(app, self._placed(app)[0], reason, message))

    def _placed(self, app: str) -> States:
        """Return the pods that have a node: a kubelet reports only of pods that are there."""
        found = self.list(Ref("v1", "Pod", "", "shop"), f"app={app}")
        return [pod for pod in found if pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]]

    def tell(self, *words: str) -> None:
        """Tell the embedded cloud what to break."""
        self._tell(*words)

    def wait_until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait until this holds; raises Unavailable after 20 seconds."""
        deadline = time.monotonic() + _SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise Unavailable(f"this did not happen in {_SECONDS:.0f} s: {what}")
            time.sleep(0.05)


def ref_of(obj: State) -> Ref:
    """Return the address of an object."""
    metadata = obj["metadata"]
    return Ref(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace", ""))


def _warning(app: str, pod: State, reason: str, message: str) -> State:
    """Return an event as the kubelet of a pod's node writes it."""
    about = {name: pod["metadata"][name] for name in ("name", "namespace", "uid")}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{app}.{reason.lower()}", "namespace": about["namespace"]},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", **about},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
