"""Which pull credentials a kubelet tries for an image.

Plays the kubelet's keyring: https://github.com/kubernetes/kubernetes, pkg/credentialprovider/keyring.go (keys and
lookup), config.go (what an entry is) and secrets/secrets.go (which secrets count).
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from runbook_sandbox.nodes.images import Image

Credentials = tuple[str, str]
_TYPES = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
_DEFAULT_REGISTRY, _DEFAULT_NAMES = "index.docker.io", ("docker.io", "index.docker.io")
_KINDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}


class Unreadable(ValueError):
    """A pull secret that the kubelet cannot read; it then pulls nothing for the pod."""


def credentials(image: Image, secrets: Iterable[dict[str, Any]]) -> list[Credentials]:
    """Return the users and passwords that are tried, the most special key first; raises Unreadable."""
    ring: dict[str, list[Credentials]] = {}
    for secret in secrets:
        for place, entry in _entries(secret).items():
            ring.setdefault(_key(place), []).append(_credentials(entry))
    # The order of the texts turned round puts what is longer before what it begins with.
    found = [each for key in sorted(ring, reverse=True) if _matches(key, image.name) for each in ring[key]]
    return found or (ring.get(_DEFAULT_REGISTRY, []) if image.domain in _DEFAULT_NAMES else [])


def _entries(secret: dict[str, Any]) -> dict[str, Any]:
    """Return the entries by place of a secret; none when it is of another type."""
    content = (secret.get("data") or {}).get(_TYPES.get(secret.get("type", ""), ""))
    if not content:
        return {}
    try:
        document = json.loads(base64.b64decode(content))
    except (ValueError, RecursionError):
        raise Unreadable("invalid character in the docker configuration of a pull secret") from None
    entries = document
    if secret["type"] == "kubernetes.io/dockerconfigjson" and isinstance(document, dict):
        entries = _member(document, "auths")
    if entries is not None and not isinstance(entries, dict):
        raise Unreadable(_wrong_type(entries, "credentialprovider.DockerConfig"))
    return entries or {}


def _credentials(entry: Any) -> Credentials:
    """Return user and password; `auth` counts where both are given."""
    if entry is None:
        return "", ""
    if not isinstance(entry, dict):
        raise Unreadable(_wrong_type(entry, "credentialprovider.dockerConfigEntryWithAuth"))
    fields = {name: _member(entry, name) for name in ("username", "password", "email", "auth")}
    for name, value in fields.items():
        if value is not None and not isinstance(value, str):
            raise Unreadable(_wrong_type(value, f"struct field dockerConfigEntryWithAuth.{name} of type string"))
    return _decoded(fields["auth"]) if fields["auth"] else (fields["username"] or "", fields["password"] or "")


def _member(document: dict[str, Any], name: str) -> Any:
    """Return a member as Go's JSON finds it: names have no case, and the last one counts."""
    return next((item for key, item in reversed(document.items()) if key.lower() == name), None)


def _decoded(auth: str) -> Credentials:
    """Return user and password of `auth`, which may lack its padding."""
    text = re.sub("[\r\n]", "", auth)
    try:
        content = base64.b64decode(text if text.endswith("=") else text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("illegal base64 data in the field auth of a pull secret") from None
    user, colon, password = content.decode("utf-8", "replace").partition(":")
    if not colon:
        raise Unreadable("unable to parse auth field, must be formatted as base64(username:password)")
    return user, password


def _wrong_type(value: Any, wanted: str) -> str:
    return f"json: cannot unmarshal {_KINDS.get(type(value), 'object')} into Go value of type {wanted}"


def _key(place: str) -> str:
    """Return the key of an entry: no scheme, no version of the registry's API, no empty path."""
    parsed = urlsplit(place if place.startswith(("https://", "http://")) else f"https://{place}")
    path = parsed.path[3:] if parsed.path.startswith(("/v1/", "/v2/")) else parsed.path
    return parsed.netloc.rpartition("@")[2] + (path if path != "/" else "")


def _matches(key: str, name: str) -> bool:
    """Compare label by label, where `*` stands for one or a part of one; ports are equal, the path is a beginning."""
    wanted, found = urlsplit(f"https://{key}"), urlsplit(f"https://{name}")
    (labels, port), (others, other_port) = _labels(wanted.netloc), _labels(found.netloc)
    if port != other_port or len(labels) != len(others) or not found.path.startswith(wanted.path):
        return False
    return all(fnmatch.fnmatchcase(other, label) for label, other in zip(labels, others, strict=True))


def _labels(host: str) -> tuple[list[str], str]:
    found = re.fullmatch(r"(.*):([0-9]*)", host)
    return (found[1].split("."), found[2]) if found else (host.split("."), "")
