"""A provider of long operations, made up of ConfigMaps on an emulated server: one that carries out what others submit."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

from remediation.model.api import Api
from remediation.model.changes import Change, Seen, Written
from remediation.model.diffing import State
from remediation.model.errors import Conflict, NotFound, Occupied, OperationFailed
from remediation.model.long_writes import LongWrites, Underway
from remediation.model.records import recorded
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.providers.kubernetes.client import KubernetesClient

THINGS, OPERATIONS = "things", "operations"


def config_map(name: str) -> Ref:
    return Ref("v1", "ConfigMap", name, "default")


@recorded
@dataclass(frozen=True)
class Thing(LongWrites):
    """One value of a made-up provider, which writes by operations and begins one for each token at most."""

    name: str
    value: str
    longest: ClassVar[float] = 20.0

    @property
    def address(self) -> str:
        return f"thing/{self.name}"

    @property
    def scope(self) -> str:
        return f"cluster/default/{self.address}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        return ()

    def foreign(self, change: Change) -> list[str]:
        return [edit.pointer for edit in change.edits if edit.pointer != "/value"]

    def read(self, api: Api) -> State | None:
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        value = _data(api, THINGS).get(self.name)
        return Seen(None if value is None else {"value": value}, api.now())

    def desired(self, current: State | None) -> State:
        return {"value": self.value}

    def preview(self, api: Api, change: Change) -> Change:
        return change

    def submit(self, api: Api, change: Change, run_id: str, token: str) -> str:
        operations = _data(api, OPERATIONS)
        name = f"operation-{token}"
        if name in operations:
            return name
        running = [other for other, text in operations.items() if json.loads(text)["state"] == "RUNNING"]
        if running:
            raise Occupied(f"{running[0]} runs there")
        if self.read(api) != change.before:
            raise Conflict("the thing is not as it was")
        after = None if change.after is None else change.after["value"]
        operation = {"thing": self.name, "value": after, "state": "RUNNING", "percent": 0}
        path = {"op": "add", "path": f"/data/{name}", "value": json.dumps(operation)}
        api.kubernetes.patch(config_map(OPERATIONS), [path])
        return name

    def poll(self, api: Api, handle: str) -> Underway | Written:
        text = _data(api, OPERATIONS).get(handle)
        if text is None:
            raise NotFound(f"{handle} is not known")
        operation = json.loads(text)
        if operation["state"] == "RUNNING":
            return Underway("RUNNING", operation["percent"])
        if operation.get("error"):
            raise OperationFailed(f"{handle} failed: {operation['error']}")
        return Written(self.read(api))

    def find(self, api: Api, change: Change, token: str, since: float) -> str | None:
        name = f"operation-{token}"
        return name if name in _data(api, OPERATIONS) else None


def _data(api: Api, name: str) -> dict[str, str]:
    return _filled(api.kubernetes.read(config_map(name)))


def _filled(found: State) -> dict[str, str]:
    """Return the data of a ConfigMap without the entry that only keeps it from being empty."""
    return {name: text for name, text in found["data"].items() if name != "none"}


class Provider:
    """Carry out operations in the background, each after some looks at it.

    Attributes:
        held: while it is set, no operation gets on.
        errors: what the next operations end with, and what they nevertheless write.
    """

    def __init__(self, client: KubernetesClient) -> None:
        self._client, self._stop = client, threading.Event()
        self.held = threading.Event()
        self.errors: list[tuple[str, str | None]] = []
        for name in (THINGS, OPERATIONS):
            metadata = {"name": name, "namespace": "default"}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"none": "none"}}
            client.create(config_map(name), body)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def operations(self) -> dict[str, Any]:
        return {name: json.loads(text) for name, text in _filled(self._client.read(config_map(OPERATIONS))).items()}

    def things(self) -> dict[str, str]:
        return _filled(self._client.read(config_map(THINGS)))

    def set(self, name: str, value: str | None) -> None:
        """Write a thing as anybody does, or take it away."""
        if value is not None:
            self._client.patch(config_map(THINGS), [{"op": "add", "path": f"/data/{name}", "value": value}])
        elif name in self.things():
            self._client.patch(config_map(THINGS), [{"op": "remove", "path": f"/data/{name}"}])

    def note(self, name: str, operation: dict[str, Any] | None) -> None:
        """Write down how far an operation is, or forget it."""
        if operation is None:
            self._client.patch(config_map(OPERATIONS), [{"op": "remove", "path": f"/data/{name}"}])
        else:
            self._client.patch(
                config_map(OPERATIONS), [{"op": "add", "path": f"/data/{name}", "value": json.dumps(operation)}]
            )

    def _work(self) -> None:
        while not self._stop.wait(0.02):
            for name, operation in self.operations().items():
                if operation["state"] == "RUNNING" and not self.held.is_set():
                    self._advance(name, operation)

    def _advance(self, name: str, operation: dict[str, Any]) -> None:
        if operation["percent"] < 100:
            self.note(name, operation | {"percent": operation["percent"] + 50})
            return
        error, value = self.errors.pop(0) if self.errors else ("", operation["value"])
        if not error or value is not None:
            self.set(operation["thing"], value)
        self.note(name, operation | {"state": "DONE", "error": error})
