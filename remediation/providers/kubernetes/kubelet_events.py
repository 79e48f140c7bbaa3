"""What kubelets report about pods that exist, and how far an event can be believed.

Every field of an event is text that its writer chose. Whoever may create events in a namespace can write one that names
a kubelet, and whoever may create pods there can make a real kubelet say what their probe prints. An event therefore
proves nothing; it counts only where the rest of the cluster does not contradict it, its origin is shown wherever it is
used, and all that follows from it is a suggestion that a person reads before a plan is made of it.

What is asked for, because an event without it cannot be a kubelet's about a pod that runs:

* it names the kubelet, and nobody else, as its source (``source.component``, ``reportingComponent``);
* the pod that it is about exists, with this uid, in the event's own namespace;
* the node that it comes from (``source.host``, ``reportingInstance``) is the one on which the pod runs.

Of static pods kubelets report another uid than the API server's, so what they report of those is left out.

Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ and ``NewRecorder`` of
https://github.com/kubernetes/kubernetes/blob/master/cmd/kubelet/app/server.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from remediation.model.diffing import State
from remediation.model.limits import message

# What is needed of an event.
KUBELET_EVENT_FIELDS = (
    *(f"involvedObject.{name}" for name in ("kind", "name", "namespace", "uid")),
    *("source", "reportingComponent", "reportingInstance"),
    *("message", "eventTime", "firstTimestamp", "lastTimestamp", "series", "metadata.namespace"),
)
_KUBELET = "kubelet"
_MOST_TIME = 40


@dataclass(frozen=True)
class KubeletReport:
    """One event of a kubelet about a pod that exists, when it was last seen, and what it says."""

    namespace: str
    pod: str
    uid: str
    node: str
    time: str
    message: str

    @property
    def origin(self) -> str:
        """Where it comes from, for a person who has to judge it."""
        return f"event of pod {self.namespace}/{self.pod} on {self.node} at {self.time or 'an unknown time'}"


def kubelet_reports(events: Iterable[State], pods: Iterable[State]) -> Iterator[KubeletReport]:
    """Yield the events that can be a kubelet's about one of these pods; the module says what that proves."""
    known = {pod["metadata"]["uid"]: pod for pod in pods}
    for event in events:
        pod = known.get((event.get("involvedObject") or {}).get("uid"))
        if pod is not None and _is_about(event, pod) and _is_from_kubelet(event, pod["spec"].get("nodeName")):
            yield _report(event, pod)


def _is_about(event: State, pod: State) -> bool:
    about, metadata = event["involvedObject"], pod["metadata"]
    names = (about.get("kind"), about.get("name"), about.get("namespace"), event["metadata"].get("namespace"))
    return names == ("Pod", metadata["name"], metadata["namespace"], metadata["namespace"])


def _is_from_kubelet(event: State, node: str | None) -> bool:
    """Tell whether all that the event says of its source is the kubelet of this node; old and new fields say the same."""
    source = event.get("source") or {}
    components = {source.get("component"), event.get("reportingComponent")} - {None, ""}
    hosts = {source.get("host"), event.get("reportingInstance")} - {None, ""}
    return components == {_KUBELET} and hosts == {node}


def _report(event: State, pod: State) -> KubeletReport:
    metadata, series = pod["metadata"], event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
    )
    seen = next((str(time) for time in times if time), "")
    names = (metadata["namespace"], metadata["name"], metadata["uid"], pod["spec"]["nodeName"])
    return KubeletReport(*names, seen[:_MOST_TIME], event_text(event))


def event_text(event: State) -> str:
    """Return the message of an event, as much of it as is read."""
    return message(str(event.get("message") or ""))


def events_are_text(told: Sequence[KubeletReport]) -> str:
    """Return what a person has to know before they follow what events suggest."""
    spaces = ", ".join(sorted({report.namespace for report in told}))
    return f"events are text: whoever may create events or pods in {spaces} can make them say this"
