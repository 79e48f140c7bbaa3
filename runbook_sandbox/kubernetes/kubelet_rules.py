"""How a scenario changes what the kubelet makes of a pod."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class EventText:
    """An event that the kubelet records about the pod."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Warning"


@dataclass(frozen=True)
class PodOutcome:
    """What becomes of a pod that has a node.

    Attributes:
        state: `running`; `waiting` with a reason such as ImagePullBackOff; `creating`, stuck in ContainerCreating
            without an address; `crashing`, restarted again and again; `succeeded` or `failed`.
        reason: the reason that the container waits or ended.
        message: the text beside the reason.
        container: the container concerned; the first one when empty.
        ready: whether a running pod is Ready.
        events: events to record about the pod.
        log: text of `kubectl logs`.
        init_message: termination message of the init containers.
        exit_code: of a crashing, succeeded or failed container.
        restarts: restart count of the container.
        after: seconds until the pod gets there.
        runs: seconds that the containers run before they succeed, fail or crash.
        retry: seconds until the kubelet looks again by itself, for what no object of the cluster tells; 0 for never.
    """

    state: Literal["running", "waiting", "creating", "crashing", "succeeded", "failed"] = "running"
    reason: str = ""
    message: str = ""
    container: str = ""
    ready: bool = True
    events: tuple[EventText, ...] = field(default=())
    log: str = ""
    init_message: str = ""
    exit_code: int = 0
    restarts: int = 0
    after: float = 0.0
    runs: float = 0.0
    retry: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How a program in a container ends: what it has written by then, its exit code and how many seconds it took.

    `message` is what it left in ``/dev/termination-log``.
    """

    log: str = ""
    code: int = 0
    seconds: float = 0.0
    message: str = ""

    def outcome(self, restart: str) -> PodOutcome:
        """Return what becomes of a pod whose program this was, by its restart policy."""
        if restart == "Always" or (restart == "OnFailure" and self.code):
            return PodOutcome("crashing", log=self.log, exit_code=self.code, runs=self.seconds)
        state: Literal["succeeded", "failed"] = "failed" if self.code else "succeeded"
        return PodOutcome(state, message=self.message, log=self.log, exit_code=self.code, runs=self.seconds)
