"""Facts about registry credentials. Identities and fingerprints come out, credentials never do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from remediation import (
    Facts,
    NotFound,
    ObjectNamed,
    Permission,
    Secret,
    ServiceAccountKey,
    State,
    UsageProblem,
    command,
)

from .secret.docker_config import DockerConfig, Entry, docker_config_entry

_DATA_KEY = ".dockerconfigjson"


@dataclass(frozen=True)
class Credential:
    """Whose credentials they are, and how they are shown."""

    account: str
    key_id: str
    fingerprint: str


@dataclass(frozen=True)
class KeyFile:
    """The service-account key in a file or on standard input, as the credentials of a registry."""

    path: str
    host: str

    permissions: tuple[Permission, ...] = ()

    def ask(self, facts: Facts) -> Credential:
        """Read and check the file; raises UsageProblem that never quotes it."""
        key = file_key(facts.api.material, self.path)
        shown = fingerprint(self.host, docker_config_entry(self.host, key), facts.api.digest)
        return Credential(key.client_email, key.private_key_id, shown)


def file_key(material: Any, path: str) -> ServiceAccountKey:
    """Return the service-account key in a file; raises UsageProblem that never quotes it."""
    try:
        return ServiceAccountKey.parse(material.file(path))
    except ValueError as problem:
        raise UsageProblem(
            f"--from-key-file {path!r} is not a service-account key: {problem}", "nothing was changed"
        ) from None


def fingerprint(host: str, entry: Entry, digest: Callable[[bytes], str]) -> str:
    """Return how the credentials of a registry are shown."""
    return DockerConfig().merge(host, entry).fingerprints(digest)[host]


@dataclass(frozen=True)
class RegistryCredential:
    """The credentials that a pull secret has for a registry; None when there is no such secret or no such entry."""

    namespace: str
    name: str
    host: str

    @property
    def secret(self) -> ObjectNamed:
        """The Secret."""
        return ObjectNamed("v1", "Secret", self.name, self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get that Secret."""
        return self.secret.permissions

    def ask(self, facts: Facts) -> Credential | None:
        """Read the entry; one that cannot be read is like none, the write will look again."""
        found = facts(self.secret)
        if not found or found.get("type") != "kubernetes.io/dockerconfigjson":
            return None
        try:
            entry = DockerConfig.parse(base64.b64decode((found.get("data") or {}).get(_DATA_KEY, ""))).entry(self.host)
        except ValueError:
            return None
        return None if entry is None else _credential(entry, self.host, facts)


def _credential(entry: Entry, host: str, facts: Facts) -> Credential:
    shown = fingerprint(host, entry, facts.api.digest)
    try:
        key = ServiceAccountKey.parse(Secret(_password(entry)))
    except ValueError:
        return Credential("", "", shown)
    return Credential(key.client_email, key.private_key_id, shown)


def _password(entry: State) -> bytes:
    """Return the password of an entry; ``auth`` counts when both are there, as it does for the kubelet."""
    if "auth" in entry:
        return base64.b64decode(entry["auth"]).partition(b":")[2]
    return (
        json.dumps(entry.get("password", "")).encode()
        if not isinstance(entry.get("password"), str)
        else entry["password"].encode()
    )


@dataclass(frozen=True)
class AccountKeys:
    """The user-managed keys of a Google service account: name and state, never the key."""

    email: str

    permissions = (Permission.google("iam.serviceAccountKeys.list"),)

    def ask(self, facts: Facts) -> tuple[State, ...]:
        """List them; raises UsageProblem for an account that does not exist."""
        try:
            return tuple(facts.api.google.keys(self.email))
        except NotFound:
            raise UsageProblem(
                f"--google-service-account {self.email!r} does not exist; allowed is the e-mail address of one that does",
                "nothing was changed",
                command("gcloud", "iam", "service-accounts", "list"),
            ) from None
