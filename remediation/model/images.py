"""Registry hosts, and which registry an image reference names."""

import re
from typing import Final

# The key under which docker and the kubelet keep Docker Hub's credentials, a URL for historic reasons.
DOCKER_HUB_KEY: Final = "https://index.docker.io/v1/"
_DOCKER_HUB_NAMES: Final = frozenset({"docker.io", "index.docker.io"})

# Container Registry's names are served by Artifact Registry repositories of the same name in these locations.
# Source: https://cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo
_LEGACY_LOCATIONS: Final = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
_ARTIFACT_REGISTRY = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev")

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")


def registry_host(text: str) -> str:
    """Check a registry host that a person typed and return it as docker configurations spell it.

    Docker Hub's names become `https://index.docker.io/v1/`, the key that docker and the kubelet look up. The port that
    every registry has anyway is left out.

    Raises:
        ValueError: a scheme, a path, a bad name or port; the sentence shows the value and what is allowed.
    """
    host = _plain(text.lower())
    if host in _DOCKER_HUB_NAMES or host == DOCKER_HUB_KEY:
        return DOCKER_HUB_KEY
    match = _HOST.fullmatch(host)
    if not match or not _is_known_form(match["name"], match["port"]):
        raise ValueError(
            f'The registry host is "{text}"; it must be a host name with an optional port and neither scheme nor '
            "path, for example europe-docker.pkg.dev."
        )
    return host


def image_host(image: str) -> str:
    """Return the registry host of an image reference without the usual port, `docker.io` when it names none.

    Source: https://github.com/distribution/reference, the grammar that docker and containerd share.

    Raises:
        ValueError: not an image reference; the sentence shows the value and what is allowed.
    """
    first, slash, rest = image.partition("/")
    # Docker's rule: the first part is a host only when it cannot be part of a name.
    names_host = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    host, path = (_plain(first.lower()), rest) if names_host else ("docker.io", image)
    parent, slash, name = path.partition("@")[0].rpartition("/")
    if not _is_path(f"{parent}{slash}{name.partition(':')[0]}") or not _is_host(host):
        raise ValueError(
            f'The image is "{image}"; it must be a reference without scheme, for example '
            "europe-docker.pkg.dev/example-prod/app/web:1.0."
        )
    return "docker.io" if host in _DOCKER_HUB_NAMES else host


def repository(image: str) -> str | None:
    """Return ``projects/P/locations/L/repositories/R`` of an image in Artifact Registry, None for one from elsewhere.

    The project of a domain-scoped image takes two segments, ``example.com/web`` for ``example.com:web``.
    """
    host, *path = image.partition("@")[0].split("/")
    found = _ARTIFACT_REGISTRY.fullmatch(host)
    if not path or (not found and host not in _LEGACY_LOCATIONS):
        return None
    project, rest = (f"{path[0]}:{path[1]}", path[2:]) if "." in path[0] and len(path) > 1 else (path[0], path[1:])
    if len(rest) < (2 if found else 1):
        return None
    location, name = (found[1], rest[0]) if found else (_LEGACY_LOCATIONS[host], host)
    return f"projects/{project}/locations/{location}/repositories/{name}"


def same_host(one: str, other: str) -> bool:
    """Tell whether two hosts are one registry; Docker Hub has several names, and one of them is a URL."""
    return one == other or {one, other} <= {DOCKER_HUB_KEY, *_DOCKER_HUB_NAMES}


def _plain(host: str) -> str:
    """Return a host without the port of https; a name without a dot is a host only because of its port."""
    name = host.removesuffix(":443")
    return name if "." in name or name.startswith("[") else host


def _is_path(path: str) -> bool:
    return all(re.fullmatch(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*", segment) for segment in path.split("/"))


def _is_host(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return bool(match) and int((match and match["port"]) or 443) in range(1, 65536)


def _is_known_form(name: str, port: str | None) -> bool:
    # Without a dot or a port docker takes the word for a part of the image's name, so no image ever matches it.
    is_host = "." in name or name == "localhost" or name.startswith("[") or port is not None
    return is_host and len(name) <= 253 and int(port or 443) in range(1, 65536)
