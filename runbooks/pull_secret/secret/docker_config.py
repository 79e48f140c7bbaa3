"""The docker configuration inside a pull secret: add one host, keep everything else, show nothing.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/ and the kubelet's
pkg/credentialprovider, which decides what a usable entry is.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from remediation import MASK, Secret, ServiceAccountKey, load_json, registry_host

# The fixed user name that tells Google's registries that the password is a key file.
_KEY_USER = "_json_key"
_CREDENTIAL_FIELDS = frozenset({"auth", "username", "password", "email"})


class Entry(dict[str, Any]):
    """The credentials of one host; a dict that prints as `***` and refuses to be pickled."""

    def __repr__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be pickled.")


def docker_config_entry(host: str, key: ServiceAccountKey) -> Entry:
    """Return the credentials with which docker and the kubelet use a service-account key at a registry.

    Source: https://cloud.google.com/artifact-registry/docs/docker/authentication#json-key.

    Raises:
        ValueError: the host is not a registry host.
    """
    registry_host(host)
    password = key.raw.reveal()
    auth = base64.b64encode(_KEY_USER.encode() + b":" + password).decode()
    return Entry(username=_KEY_USER, password=password.decode(), email=key.client_email, auth=auth)


class DockerConfig:
    """A docker configuration; unknown keys and the order of all keys are kept. It prints only its hosts."""

    __slots__ = ("_document", "_legacy")

    def __init__(self, document: Mapping[str, Any] | None = None, *, legacy: bool = False) -> None:
        self._document = dict(document or {})
        self._legacy = legacy

    @classmethod
    def parse(cls, raw: "Secret | bytes", *, legacy: bool | None = None) -> Self:
        """Read the value of `.dockerconfigjson`, or the older `.dockercfg`, whose hosts are at the top.

        Args:
            raw: the decoded value.
            legacy: which of the two; None to tell by the content.

        Raises:
            ValueError: the kubelet could not use it; the sentence never shows the content.
        """
        document = load_json(raw if isinstance(raw, Secret) else Secret(raw))
        if not isinstance(document, dict):
            # A fault of the content, not of the caller's types, here and below.
            raise ValueError("The docker configuration is not a JSON object with unique keys.")  # noqa: TRY004
        config = cls(document, legacy=_looks_legacy(document) if legacy is None else legacy)
        if not isinstance(config._auths(), dict):
            raise ValueError(  # noqa: TRY004
                'The field auths of the docker configuration must be an object such as {"gcr.io": {}}.'
            )
        for number, entry in enumerate(config._auths().values(), start=1):
            _check(number, entry)
        return config

    @property
    def legacy(self) -> bool:
        """Whether this is the older format of secrets of type kubernetes.io/dockercfg."""
        return self._legacy

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts, spelt and ordered as they are in the text."""
        return tuple(self._auths())

    def merge(self, host: str, entry: Mapping[str, Any]) -> "DockerConfig":
        """Return a configuration with this host's credentials set and everything else unchanged.

        A host that the kubelet takes for the same, such as `https://gcr.io` for `gcr.io`, is replaced in place.
        """
        return self._with({**self._auths(), self._key(host) or host: dict(entry)})

    def without(self, host: str) -> "DockerConfig":
        """Return a configuration without this host; the same one when it has none."""
        key = self._key(host)
        return self._with({name: entry for name, entry in self._auths().items() if name != key}) if key else self

    def entry(self, host: str) -> Entry | None:
        """Return this host's credentials, None when it has none."""
        key = self._key(host)
        return None if key is None else Entry(self._auths()[key])

    def fingerprints(self, digest: Callable[[bytes], str]) -> dict[str, str]:
        """Return the digest of each host's credentials, for a diff that shows no secret; use a keyed digest."""
        return {host: digest(_meaning(entry)) for host, entry in self._auths().items()}

    def render(self) -> bytes:
        """Return the JSON text, the same for the same configuration. It contains the credentials."""
        return json.dumps(self._document, separators=(",", ":")).encode()

    def __repr__(self) -> str:
        return f"DockerConfig(hosts={list(self.hosts)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DockerConfig):
            return NotImplemented
        return self._legacy == other._legacy and hmac.compare_digest(self.render(), other.render())

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be pickled.")

    def _auths(self) -> dict[str, Any]:
        auths = self._document if self._legacy else self._document.get("auths")
        return {} if auths is None else auths

    def _with(self, auths: dict[str, Any]) -> "DockerConfig":
        document = auths if self._legacy else {**self._document, "auths": auths}
        return DockerConfig(document, legacy=self._legacy)

    def _key(self, host: str) -> str | None:
        auths = self._auths()
        return host if host in auths else next((key for key in auths if _lookup_key(key) == _lookup_key(host)), None)


def same_registry(one: str, other: str) -> bool:
    """Say whether the kubelet takes two spellings of a registry host for the same one."""
    return _lookup_key(one) == _lookup_key(other)


def _looks_legacy(document: dict[str, Any]) -> bool:
    entries = list(document.values())
    if "auths" in document or not entries:
        return False
    return all(isinstance(entry, dict) and _CREDENTIAL_FIELDS & entry.keys() for entry in entries)


def _lookup_key(host: str) -> str:
    """Return what the kubelet compares with an image: no scheme, no API version, no empty path."""
    name, slash, path = host.removeprefix("https://").removeprefix("http://").partition("/")
    path = path[3:] if path.startswith(("v1/", "v2/")) else path
    return f"{name}{slash}{path}" if path else name


def _check(number: int, entry: object) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"Entry {number} of the docker configuration must be an object.")  # noqa: TRY004 - see above
    fields = [entry[name] for name in _CREDENTIAL_FIELDS if name in entry]
    if not all(isinstance(value, str) for value in fields):
        raise ValueError(f"Entry {number} of the docker configuration has credentials that are not text.")
    if entry.get("auth") and _decoded(entry["auth"]) is None:
        raise ValueError(
            f"The field auth of entry {number} of the docker configuration must be base64 of user:password."
        )


def _decoded(auth: str) -> tuple[bytes, bytes] | None:
    try:
        # Like the kubelet, accept text without padding.
        text = base64.b64decode(auth + "=" * (-len(auth) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(b":")
    return (user, password) if colon else None


def _meaning(entry: Mapping[str, Any]) -> bytes:
    """Return bytes that are equal for equal credentials: `auth` wins over user and password, as in the kubelet."""
    pair = _decoded(entry["auth"]) if entry.get("auth") else None
    user, password = pair or (_bytes(entry, "username"), _bytes(entry, "password"))
    others = {name: value for name, value in entry.items() if name not in _CREDENTIAL_FIELDS}
    return json.dumps([user.hex(), password.hex(), others], sort_keys=True).encode()


def _bytes(entry: Mapping[str, Any], name: str) -> bytes:
    return str(entry.get(name) or "").encode("utf-8", "surrogatepass")
