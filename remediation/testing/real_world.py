"""A real control plane as a world: what a scenario has put there is deleted again."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from remediation.model.diffing import State
from remediation.testing import states
from remediation.testing.played_world import PlayedWorld
from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.control_plane.healing import heal_until
from runbook_sandbox.daemon import new_cloud

# What tells of others, or is worked out anew for each question.
_TOLD = {"events", "events.events.k8s.io", "componentstatuses", "endpoints", "endpointslices.discovery.k8s.io"}


class RealWorld(PlayedWorld):
    """A real control plane beside the embedded cloud; nodes are simulated, so nothing has logs or a network."""

    def __init__(self, folder: Path, plane: ControlPlane) -> None:
        super().__init__(folder, plane.kubeconfig_path, "control-plane", new_cloud(), real=True)
        self.plane = plane
        self.beginning = {states.place(obj) for obj in self.objects()}
        self._healthy = self.cloud.dump()
        self._stopped = threading.Event()
        self._healer = threading.Thread(target=heal_until, args=(self._stopped, plane))
        self._healer.start()

    @cached_property
    def _kinds(self) -> str:
        names = self.plane.kubectl("api-resources", "--verbs=list,delete", "-o", "name").stdout.split()
        return ",".join(name for name in names if name not in _TOLD)

    def objects(self) -> list[State]:
        """Return every object that is stored."""
        text = self.plane.kubectl("get", self._kinds, "--all-namespaces", "-o", "json").stdout
        found: list[State] = json.loads(text)["items"]
        return found

    def dump(self) -> str:
        """Return nothing: a scenario is broken anew for each try."""
        return ""

    def set_back(self, kept: str = "") -> None:
        """Delete what was not there at the beginning, and bring the cloud back."""
        del kept
        new = [obj for obj in self.objects() if states.place(obj) not in self.beginning and _is_nobodys(obj)]
        gone = {obj["metadata"]["name"] for obj in new if obj["kind"] == "Namespace"}
        found: dict[str, list[str]] = defaultdict(list)
        for obj in new:
            if (space := obj["metadata"].get("namespace", "")) not in gone:  # the others go with their namespace
                found[space].append(f"{self._resource(obj)}/{obj['metadata']['name']}")
        for space, names in found.items():
            where = ("-n", space) if space else ()
            self.plane.kubectl(*where, "delete", *names, "--ignore-not-found", "--wait=true")
        self.cloud.load(self._healthy)

    @staticmethod
    def _resource(obj: State) -> str:
        group, _, version = obj["apiVersion"].rpartition("/")
        return f"{obj['kind']}.{version}.{group}" if group else str(obj["kind"])

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """Collect the requests of both APIs that change something, the cluster's from its audit log."""
        found: list[str] = []
        since, self.cloud.faults = self.plane.mark(), self.writes_to_cloud(found)
        try:
            yield found
        finally:
            self.cloud.faults = None
            found += [_asked(event) for event in self.plane.writes(since) if _is_ours(event)]

    def close(self) -> None:
        """Leave the control plane as it was found."""
        self._stopped.set()
        self._healer.join()
        self.set_back()
        super().close()


def _is_nobodys(obj: State) -> bool:
    """Tell that no controller has made an object: those go with what they are of."""
    return not any(owner.get("controller") for owner in obj["metadata"].get("ownerReferences") or [])


def _asked(event: dict[str, Any]) -> str:
    return f"{event['verb']} {event['requestURI']}"


def _is_ours(event: dict[str, Any]) -> bool:
    """Tell that it was a verb: what heals pods stands for their nodes."""
    return not str(event.get("userAgent", "")).startswith("kubectl")
