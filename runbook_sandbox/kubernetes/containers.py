"""What clients ask of running containers: their logs, commands in them, and their standard streams."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from runbook_sandbox.kubernetes.kubelet_rules import Ended
from runbook_sandbox.kubernetes.objects import Object, name_of
from runbook_sandbox.kubernetes.problems import bad_request
from runbook_sandbox.kubernetes.websocket import ERROR, STDIN, STDOUT, Channels

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_FINISHED = frozenset({"Succeeded", "Failed"})
_END_OF_INPUT = b"\x04"
_LOOK_UP = 0.5


class Containers:
    """The containers of all pods of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store

    def log(self, pod: Object, container: str, query: Mapping[str, str]) -> str:
        """Return the log of a container, or its last lines; raises Problem (400) for a container that the pod lacks."""
        spec = pod["spec"]
        names = [each["name"] for each in (*spec["containers"], *spec.get("initContainers", ()))]
        if container and container not in names:
            raise bad_request(f"container {container} is not valid for pod {pod['metadata']['name']}")
        lines = self._text(pod, container or names[0]).splitlines(keepends=True)
        return "".join(lines[-int(query["tailLines"]) :] if query.get("tailLines") else lines)

    def _text(self, pod: Object, name: str) -> str:
        texts = (rule(pod, name) for rule in self._cluster.log_rules)
        return next((each for each in texts if each is not None), self._cluster.controllers.kubelet.log(pod))

    def follow(self, pod: Object, container: str, query: Mapping[str, str]) -> Iterator[bytes]:
        """Yield the log and what is added to it, until the pod has ended; an empty text is only a sign of life."""
        name = container or pod["spec"]["containers"][0]["name"]
        first = self.log(pod, container, query)
        seen = len(self._text(pod, name))
        yield first.encode()
        for present in self._until_ended(pod):
            text = self._text(present, name)
            yield text[seen:].encode()
            seen = len(text)

    def _until_ended(self, pod: Object) -> Iterator[Object]:
        """Yield a pod as it is now, after changes and every half second; the last time when it has ended."""
        while self._cluster.is_open:
            present = self._store.get("pods", *name_of(pod))
            if present is None or present["metadata"]["uid"] != pod["metadata"]["uid"]:
                return
            yield present
            if _is_over(present):
                return
            with self._store.changed:
                self._store.changed.wait(_LOOK_UP)

    def attach(self, pod: Object, incoming: BinaryIO, outgoing: BinaryIO, *, stdin: bool) -> None:
        """Show what a pod's program writes until it ends; a shell ends with its input."""
        channels, gone = Channels(incoming, outgoing), threading.Event()
        reader = threading.Thread(target=self._read, args=(pod, channels, gone, stdin), daemon=True)
        reader.start()
        seen = 0
        for present in self._until_ended(pod):
            if gone.is_set():
                return
            text = self._text(present, present["spec"]["containers"][0]["name"])
            if text[seen:]:
                channels.send(STDOUT, text[seen:].encode())
            seen = len(text)
        _finish(channels, 0)

    def _read(self, pod: Object, channels: Channels, gone: threading.Event, stdin: bool) -> None:
        """Give the lines of a client to a shell, and tell when the client has left."""
        kubelet = self._cluster.controllers.kubelet
        try:
            while (found := channels.receive()) is not None:
                channel, data = found
                ends = channel == STDIN and data.rstrip() in {b"exit", _END_OF_INPUT}
                if stdin and (ends or (channel == 255 and data == bytes([STDIN]))):
                    kubelet.end_input(pod)
                elif stdin and channel == STDIN:
                    line = ["sh", "-c", data.decode(errors="replace")]
                    kubelet.write(pod, (self._cluster.program(pod, line) or Ended()).log)
        except (OSError, ValueError):
            pass
        gone.set()

    def execute(self, pod: Object, command: list[str], incoming: BinaryIO, outgoing: BinaryIO) -> None:
        """Run a command in a pod and tell its exit code."""
        channels, ended = Channels(incoming, outgoing), self._cluster.program(pod, command) or Ended()
        gone = threading.Event()
        threading.Thread(target=self._read, args=(pod, channels, gone, False), daemon=True).start()
        if gone.wait(ended.seconds):
            return
        if ended.log:
            channels.send(STDOUT, ended.log.encode())
        _finish(channels, ended.code)


def _is_over(pod: Object) -> bool:
    """Tell whether the first container of a pod has run to its end, if only for now."""
    status = pod.get("status", {})
    states = [each.get("state", {}) for each in status.get("containerStatuses") or ()]
    crashed = bool(states) and (states[0].get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    return status.get("phase") in _FINISHED or crashed


def _finish(channels: Channels, code: int) -> None:
    status: dict[str, object] = {"metadata": {}, "status": "Success"}
    if code:
        causes = [{"reason": "ExitCode", "message": str(code)}]
        message = f"command terminated with non-zero exit code: command terminated with exit code {code}"
        status = {
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": "NonZeroExitCode",
            "details": {"causes": causes},
        }
    channels.send(ERROR, json.dumps(status).encode())
    channels.close()
