"""What is compared of a world: every object that is stored and all of the cloud, without what differs from run to run."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from remediation.model.diffing import State

# Events tell what happened, and locks who was at work: neither is what somebody wants of a cluster.
_NOT_WANTED = {"Event", "Lease"}
_OF_THE_SERVER = ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp")
_COUNTED = ("deprecated.daemonset.template.generation", "deployment.kubernetes.io/revision")
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# What a cloud counts or writes down itself.
_OF_THE_CLOUD = ("etag", "operations", "stale_reads")


def of(objects: Iterable[State], cloud: State) -> dict[str, Any]:
    """Return every object by its place, and each value of the cloud by its own; what controllers make again is left out."""
    keys = sorted(_keys(cloud), key=len, reverse=True)
    wanted = {place(obj): _content(obj) for obj in objects if _is_wanted(obj)}
    told = {f"cloud/{path}": value for path, value in _leaves(_same_each_time(_told(cloud), keys))}
    return {name: _same_each_time(value, keys) for name, value in wanted.items()} | told


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for key, item in value.items():
        yield from _leaves(item, f"{path}/{key}" if path else key)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the places that differ, with both sides, for a person who has to see why."""
    different = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return [f"{name}: {json.dumps(one.get(name))} is now {json.dumps(other.get(name))}" for name in different]


def untold(obj: State) -> State:
    """Return an object with all that its authors have said, and nothing that controllers tell of it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {key: value for key, value in obj.items() if key != "status"} | {"metadata": metadata}


def _is_wanted(obj: State) -> bool:
    owners = obj["metadata"].get("ownerReferences") or []
    return obj["kind"] not in _NOT_WANTED and not any(owner.get("controller") for owner in owners)


def place(obj: State) -> str:
    """Return where an object is, as the readable address of a plan."""
    parts = (obj["kind"].lower(), obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    return "/".join(part for part in parts if part)


def _content(obj: State) -> State:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _OF_THE_SERVER}
    notes = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _COUNTED}
    content = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    if obj["kind"] == "Secret":
        content["data"] = {key: _plain(value) for key, value in (obj.get("data") or {}).items()}
    return content | {"metadata": metadata | {"annotations": notes}}


def _plain(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded


def _told(cloud: Any) -> Any:
    if isinstance(cloud, dict):
        return {key: _told(value) for key, value in cloud.items() if key not in _OF_THE_CLOUD}
    return [_told(item) for item in cloud] if isinstance(cloud, list) else cloud


def _keys(cloud: State) -> list[str]:
    """Return the ids of the keys that exist: which one was made differs each time, not whether it exists."""
    return [name for account in cloud.get("accounts", {}).values() for name in account.get("keys", {})]


def _same_each_time(value: Any, keys: list[str]) -> Any:
    if isinstance(value, str):
        if key := next((key for key in keys if key in value), None):
            # Of a Secret that holds a key it counts that the key is one that exists.
            return value.replace(key, "KEY") if len(value) < 2 * len(key) + 200 else "holds a key that exists"
        return _TIME.sub("TIME", _RUN.sub("RUN", value))
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in value.items():
            name = _same_each_time(key, keys)
            # Two keys are not one.
            found[name if name not in found else f"{name} and {len(found)} others"] = _same_each_time(item, keys)
        return found
    return [_same_each_time(item, keys) for item in value] if isinstance(value, list) else value
