"""What a container runtime takes for an image reference.

Plays the reference parser that kubelet, containerd and docker share, written from its documented grammar:
https://github.com/distribution/reference, reference.go (the grammar) and normalize.go (what a short name stands for).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_CHARACTERS = 255
_DEFAULT_DOMAIN, _OLD_DEFAULT_DOMAIN, _OFFICIAL = "docker.io", "index.docker.io", "library/"
_COMPONENT = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_ELEMENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_ALGORITHM = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*"
_REFERENCE = re.compile(
    rf"(?P<domain>{_DOMAIN})/(?P<path>{_ELEMENT}(?:/{_ELEMENT})*)"
    rf"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?P<digest>{_ALGORITHM}:[0-9a-fA-F]{{32,}}))?"
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


class NotAnImage(ValueError):
    """A text that is no image reference; its words are those of the real parser."""


@dataclass(frozen=True)
class Image:
    """A reference with its registry: ``nginx`` is ``docker.io`` and ``library/nginx``."""

    domain: str
    path: str

    @property
    def name(self) -> str:
        """What the kubelet looks credentials up by: no tag and no digest."""
        return f"{self.domain}/{self.path}"

    @property
    def host(self) -> str:
        """The server that is asked: names have no case, and the port of https goes without saying."""
        return self.domain.lower().removesuffix(":443")


def parse_image(text: str) -> Image:
    """Return what a reference names; raises NotAnImage."""
    if _IDENTIFIER.fullmatch(text):
        raise NotAnImage(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, rest = _split(text)
    path = rest.partition(":")[0]
    if path != path.lower():
        raise NotAnImage(f"invalid reference format: repository name ({path}) must be lowercase")
    found = _REFERENCE.fullmatch(f"{domain}/{rest}")
    if not found:
        raise NotAnImage("invalid reference format")
    if len(found["path"]) > _MOST_CHARACTERS:
        raise NotAnImage(f"repository name must not be more than {_MOST_CHARACTERS} characters")
    _check_digest(found["digest"])
    return Image(found["domain"], found["path"])


def _split(text: str) -> tuple[str, str]:
    """Tell the registry from the name: the first part is a registry only where it cannot be a part of a name."""
    first, slash, rest = text.partition("/")
    if not slash:
        return _DEFAULT_DOMAIN, _OFFICIAL + text
    if first == _OLD_DEFAULT_DOMAIN:
        first = _DEFAULT_DOMAIN
    elif first != "localhost" and not re.search("[.:]", first) and first == first.lower():
        return _DEFAULT_DOMAIN, text
    return first, f"{_OFFICIAL}{rest}" if first == _DEFAULT_DOMAIN and "/" not in rest else rest


def _check_digest(digest: str | None) -> None:
    algorithm, _, code = (digest or "").partition(":")
    if not digest:
        return
    if algorithm not in _DIGEST_LENGTHS:
        raise NotAnImage("unsupported digest algorithm")
    if len(code) != _DIGEST_LENGTHS[algorithm]:
        raise NotAnImage("invalid checksum digest length")
    if code != code.lower():
        raise NotAnImage("invalid checksum digest format")
