"""Registry hosts, and which registry and repository an image reference names."""

import re
from typing import Final

# The key under which docker and the kubelet keep Docker Hub's credentials, a URL for historic reasons.
DOCKER_HUB_KEY: Final = "https://index.docker.io/v1/"
_DOCKER_HUB_NAMES: Final = frozenset({"docker.io", "index.docker.io"})

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_ARTIFACT_REGISTRY = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")
# The names of Container Registry are served by Artifact Registry repositories in these locations.
# Source: https://cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo.
_LEGACY_LOCATIONS: Final = {
    "gcr.io": "us",
    "us.gcr.io": "us",
    "eu.gcr.io": "europe",
    "asia.gcr.io": "asia",
}


def registry_host(text: str) -> str:
    """Check a registry host that a person typed and return it as docker configurations spell it.

    Docker Hub's names become `https://index.docker.io/v1/`, the key that docker and the kubelet look up.

    Raises:
        ValueError: a scheme, a path, a bad name or port; the sentence shows the value and what is allowed.
    """
    host = text.lower()
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
    """Return the registry host of an image reference, `docker.io` when it names none.

    Source: https://github.com/distribution/reference, the grammar that docker and containerd share.

    Raises:
        ValueError: not an image reference; the sentence shows the value and what is allowed.
    """
    return _split(image)[0]


def repository_of(image: str) -> str | None:
    """Return the Artifact Registry repository that serves an image, None for other registries.

    A project of a domain, `example.com:example-prod`, takes two segments of the path.

    Returns:
        A resource name such as `projects/example-prod/locations/europe/repositories/app`.

    Raises:
        ValueError: not an image reference.
    """
    host, path = _split(image)
    name = host.removesuffix(":443")
    project, rest = _project(path.split("/"))
    if not project or not rest:
        return None
    if name in _LEGACY_LOCATIONS:
        return f"projects/{project}/locations/{_LEGACY_LOCATIONS[name]}/repositories/{name}"
    match = _ARTIFACT_REGISTRY.fullmatch(name)
    if not match or len(rest) < 2:
        return None
    return f"projects/{project}/locations/{match['location']}/repositories/{rest[0]}"


def _project(segments: list[str]) -> tuple[str, list[str]]:
    if "." in segments[0] and len(segments) > 1:
        return f"{segments[0]}:{segments[1]}", segments[2:]
    return segments[0], segments[1:]


def _split(image: str) -> tuple[str, str]:
    first, slash, rest = image.partition("/")
    # Docker's rule: the first part is a host only when it cannot be part of a name.
    names_host = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    host, path = (first.lower(), rest) if names_host else ("docker.io", image)
    path = path.partition("@")[0]
    parent, slash, name = path.rpartition("/")
    path = f"{parent}{slash}{name.partition(':')[0]}"
    if not _is_path(path) or not _is_host(host):
        raise ValueError(
            f'The image is "{image}"; it must be a reference without scheme, for example '
            "europe-docker.pkg.dev/example-prod/app/web:1.0."
        )
    return ("docker.io" if host in _DOCKER_HUB_NAMES else host), path


def _is_path(path: str) -> bool:
    return all(re.fullmatch(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*", segment) for segment in path.split("/"))


def _is_host(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return bool(match) and int((match and match["port"]) or 443) in range(1, 65536)


def _is_known_form(name: str, port: str | None) -> bool:
    # Without a dot or a port docker takes the word for a part of the image's name, so no image ever matches it.
    is_host = "." in name or name == "localhost" or name.startswith("[") or port is not None
    return is_host and len(name) <= 253 and int(port or 443) in range(1, 65536)
