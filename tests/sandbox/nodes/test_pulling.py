"""What the emulated nodes pull, compared with the documented rules of kubelet and containerd."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from runbook_sandbox.nodes.images import NotAnImage, parse_image
from runbook_sandbox.nodes.keyring import Unreadable, credentials

DIGEST = "a" * 64


@pytest.mark.parametrize(
    ("text", "domain", "path"),
    [
        ("nginx", "docker.io", "library/nginx"),
        ("nginx:1.29", "docker.io", "library/nginx"),
        ("localhost/app", "localhost", "app"),
        ("team/app", "docker.io", "team/app"),
        ("docker.io/nginx", "docker.io", "library/nginx"),
        ("index.docker.io/team/app", "docker.io", "team/app"),
        ("registry:5000/app:1@sha256:" + DIGEST, "registry:5000", "app"),
        ("[2001:db8::1]:5000/app", "[2001:db8::1]:5000", "app"),
        ("Registry/app", "Registry", "app"),
        ("europe-docker.pkg.dev/example.com/web/app__x", "europe-docker.pkg.dev", "example.com/web/app__x"),
    ],
)
def test_a_reference_names_a_registry_and_a_path(text: str, domain: str, path: str) -> None:
    """Short names stand for Docker Hub; the first part is a registry only where it cannot be part of a name."""
    image = parse_image(text)
    assert (image.domain, image.path) == (domain, path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "invalid reference format"),
        ("Nginx", "repository name (library/Nginx) must be lowercase"),
        ("https://gcr.io/app", "invalid reference format"),
        ("gcr.io/app:", "invalid reference format"),
        ("gcr.io/app:" + "t" * 129, "invalid reference format"),
        ("gcr.io/app___x", "invalid reference format"),
        ("gcr.io/app@sha256:" + "a" * 63, "invalid checksum digest length"),
        ("gcr.io/app@sha256:" + "A" * 64, "invalid checksum digest format"),
        ("gcr.io/app@md5:" + "a" * 32, "unsupported digest algorithm"),
        ("gcr.io/" + "a" * 256, "must not be more than 255 characters"),
        (DIGEST, "cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_what_is_no_reference_is_refused_in_the_words_of_the_real_parser(text: str, why: str) -> None:
    """A person who searches for the message finds what others wrote about it."""
    with pytest.raises(NotAnImage) as refused:
        parse_image(text)
    assert why in str(refused.value)


def _secret(entries: Any, kind: str = "dockerconfigjson") -> dict[str, Any]:
    document = {"auths": entries} if kind == "dockerconfigjson" else entries
    content = base64.b64encode(json.dumps(document).encode()).decode()
    return {"type": f"kubernetes.io/{kind}", "data": {f".{kind}": content}}


def _auth(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:password".encode()).decode()}


@pytest.mark.parametrize(
    ("image", "key", "is_found"),
    [
        ("gcr.io/p/app", "gcr.io", True),
        ("gcr.io/p/app", "https://gcr.io", True),
        ("gcr.io/p/app", "https://gcr.io/v2/", True),
        ("gcr.io/p/app", "gcr.io/p", True),
        ("gcr.io/p/app", "gcr.io/other", False),
        ("eu.gcr.io/p/app", "*.gcr.io", True),
        ("eu.gcr.io/p/app", "*.io", False),
        ("eu.gcr.io/p/app", "e*.gcr.io", True),
        ("gcr.io:443/p/app", "gcr.io", False),
        ("gcr.io:443/p/app", "gcr.io:443", True),
        ("nginx", "https://index.docker.io/v1/", True),
        ("docker.io/team/app", "index.docker.io", True),
        ("nginx", "docker.io", True),
    ],
)
def test_credentials_are_found_as_the_kubelet_finds_them(image: str, key: str, is_found: bool) -> None:
    """Scheme and version of the API say nothing; ports are equal; a star is for one label; a path is a beginning."""
    found = credentials(parse_image(image), [_secret({key: _auth("user")})])
    assert found == ([("user", "password")] if is_found else [])


def test_the_most_special_key_comes_first_and_both_kinds_of_secrets_count() -> None:
    """The kubelet tries all that match; a legacy secret has its hosts at the top."""
    secrets = [
        _secret({"gcr.io": _auth("host"), "gcr.io/p": {"username": "path", "password": "password"}}),
        _secret({"https://gcr.io/p/app": _auth("image")}, kind="dockercfg"),
        {"type": "Opaque", "data": {".dockerconfigjson": "broken"}},
    ]
    found = credentials(parse_image("gcr.io/p/app"), secrets)
    assert [user for user, _ in found] == ["image", "path", "host"]


@pytest.mark.parametrize(
    "entries",
    [["gcr.io"], {"gcr.io": "user"}, {"gcr.io": {"auth": "?"}}, {"gcr.io": {"auth": "dXNlcg=="}}, {"x": {"auth": 1}}],
)
def test_one_secret_that_cannot_be_read_spoils_the_pull(entries: Any) -> None:
    """The kubelet gives up on the whole keyring, though another secret would do."""
    with pytest.raises(Unreadable):
        credentials(parse_image("gcr.io/p/app"), [_secret({"gcr.io": _auth("user")}), _secret(entries)])
