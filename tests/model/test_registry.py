"""Registry hosts, image references, and the reasons for a failed pull."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.model.images import image_host, registry_host, repository, same_host
from remediation.model.pull_failures import PullFailure, classify_pull_failure

HUB = "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gcr.io", "gcr.io"),
        ("EU.GCR.IO", "eu.gcr.io"),
        ("asia-northeast3-docker.pkg.dev", "asia-northeast3-docker.pkg.dev"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("localhost", "localhost"),
        ("registry:5000", "registry:5000"),
        ("192.0.2.7:5000", "192.0.2.7:5000"),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000"),
        ("gcr.io:443", "gcr.io"),
        ("docker.io", HUB),
        ("index.docker.io", HUB),
        (HUB, HUB),
    ],
)
def test_hosts_are_spelt_as_docker_configurations_spell_them(text: str, expected: str) -> None:
    """Case is folded, ports stay, and Docker Hub gets its historic key."""
    assert registry_host(text) == expected
    assert registry_host(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://gcr.io",
        "gcr.io/",
        "gcr.io/example-prod",
        "gcr.io:0",
        "gcr.io:65536",
        "gcr.io:",
        "registry",
        "-a.example.com",
        "a_b.example.com",
        "gcr.io.",
        "gcr..io",
        "gcr.io\n",
        "user@gcr.io",
        f"{'a' * 64}.example.com",
    ],
)
def test_what_is_no_host_is_refused_with_an_example(text: str) -> None:
    """The sentence shows what was typed and what is allowed."""
    with pytest.raises(ValueError, match="registry host") as caught:
        registry_host(text)
    assert f'"{text}"' in str(caught.value)
    assert "europe-docker.pkg.dev" in str(caught.value)


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("nginx", "docker.io"),
        ("nginx:1.27", "docker.io"),
        ("library/nginx", "docker.io"),
        ("index.docker.io/library/nginx", "docker.io"),
        ("localhost/app", "localhost"),
        ("registry:5000/app:1", "registry:5000"),
        ("gcr.io", "docker.io"),
        ("gcr.io/example-prod/web", "gcr.io"),
        ("GCR.io/example-prod/web", "gcr.io"),
        (f"nginx@sha256:{'a' * 64}", "docker.io"),
        (f"europe-docker.pkg.dev/example-prod/app/web:1@sha256:{'a' * 64}", "europe-docker.pkg.dev"),
    ],
)
def test_the_host_of_an_image_follows_the_rules_of_docker(image: str, host: str) -> None:
    """A first part without dot, port or the word localhost belongs to Docker Hub."""
    assert image_host(image) == host


@pytest.mark.parametrize(
    "image", ["", "https://gcr.io/example-prod/web", "gcr.io/", "a b", "gcr.io/Web", "gcr.io:x/web"]
)
def test_what_is_no_image_is_refused(image: str) -> None:
    """The sentence shows the value and an example."""
    with pytest.raises(ValueError, match="must be a reference without scheme"):
        image_host(image)


@pytest.mark.parametrize(
    ("typed", "image", "same"),
    [
        ("docker.io", "nginx", True),
        ("index.docker.io", "docker.io/library/nginx", True),
        ("gcr.io:443", "gcr.io/example-prod/web", True),
        ("gcr.io", "gcr.io:443/example-prod/web", True),
        ("registry:443", "registry:443/web", True),
        ("gcr.io", "eu.gcr.io/example-prod/web", False),
        ("gcr.io:8443", "gcr.io/example-prod/web", False),
        ("docker.io", "gcr.io/example-prod/web", False),
    ],
)
def test_a_host_that_was_typed_matches_its_images(typed: str, image: str, same: bool) -> None:
    """Docker Hub has several names, and the port of https goes without saying."""
    assert same_host(image_host(image), registry_host(typed)) is same


REGISTRY = "https://europe-docker.pkg.dev/v2/example-prod/app/web/manifests/1"


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        (f"unexpected status from HEAD request to {REGISTRY}: 403 Forbidden", PullFailure.FORBIDDEN),
        (
            'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource '
            '"projects/example-prod/locations/europe/repositories/app" (or it may not exist)',
            PullFailure.FORBIDDEN,
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status: 403 Forbidden",
            PullFailure.UNAUTHORIZED,
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status from GET request to "
            "https://europe-docker.pkg.dev/v2/token: 403 Forbidden",
            PullFailure.UNAUTHORIZED,
        ),
        ("failed to fetch anonymous token: unexpected status: 401 Unauthorized", PullFailure.UNAUTHORIZED),
        (
            "pull access denied, repository does not exist or may require authorization: server message: "
            "insufficient_scope: authorization failed",
            PullFailure.UNAUTHORIZED,
        ),
        (
            "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
            PullFailure.SECRET_MISSING,
        ),
        ('failed to resolve reference "gcr.io/example-prod/web:2": gcr.io/example-prod/web:2: not found', "not_found"),
        ("manifest unknown: Failed to fetch", PullFailure.NOT_FOUND),
        ("dial tcp 199.36.153.8:443: i/o timeout", PullFailure.NETWORK),
        ("dial tcp 192.0.2.7:443: i/o timeout", PullFailure.NETWORK),
        ("dial tcp 192.0.2.7:443: connect: connection refused", PullFailure.NETWORK),
        ("net/http: TLS handshake timeout", PullFailure.NETWORK),
        ("failed to fetch oauth token: Post: dial tcp 192.0.2.4:403: i/o timeout", PullFailure.NETWORK),
        ("dial tcp: lookup gcr.io on 169.254.169.254:53: server misbehaving", PullFailure.DNS),
        ("dial tcp: lookup registry.example.com: no such host", PullFailure.DNS),
        ("dial tcp: lookup gcr.io on 192.0.2.53:53: read udp 192.0.2.4:4030->192.0.2.53:53: i/o timeout", "dns"),
        (
            "403 Forbidden: Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x",
            "policy",
        ),
        ("no match for platform in manifest: not found", PullFailure.PLATFORM),
        ("exec /app: exec format error", PullFailure.PLATFORM),
        ('exec: "server": executable file not found in $PATH', PullFailure.UNKNOWN),
        ('secret "settings" not found', PullFailure.UNKNOWN),
        ('Back-off pulling image "gcr.io/example-prod/web"', PullFailure.UNKNOWN),
        ("", PullFailure.UNKNOWN),
    ],
)
def test_each_documented_message_has_its_meaning(message: str, failure: str) -> None:
    """The texts that registries and container runtimes write lead to the fault they stand for, in any case."""
    text = (
        f'Failed to pull image "europe-docker.pkg.dev/example-prod/app/web:1": rpc error: {message}' if message else ""
    )
    assert classify_pull_failure(text) == failure
    assert classify_pull_failure(text.upper()) == failure


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_refusal_is_never_taken_for_a_timeout(before: str, after: str) -> None:
    """Granting a right does not repair a path, and the other way round."""
    assert classify_pull_failure(f"{before} 403 Forbidden {after} i/o timeout") is not PullFailure.NETWORK
    assert classify_pull_failure("dial tcp 192.0.2.7:443: i/o timeout") is PullFailure.NETWORK


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            "europe-west3-docker.pkg.dev/example-prod/shop/web:1",
            "projects/example-prod/locations/europe-west3/repositories/shop",
        ),
        (
            "us-docker.pkg.dev/example.com/prod/shop/a/b@sha256:00",
            "projects/example.com:prod/locations/us/repositories/shop",
        ),
        ("gcr.io/example-prod/web", "projects/example-prod/locations/us/repositories/gcr.io"),
        ("eu.gcr.io/example-prod/team/web:1", "projects/example-prod/locations/europe/repositories/eu.gcr.io"),
        ("asia.gcr.io/example.com/prod/web", "projects/example.com:prod/locations/asia/repositories/asia.gcr.io"),
        ("mirror.gcr.io/library/nginx", None),
        ("europe-west3-docker.pkg.dev/example-prod/web", None),
        ("nginx", None),
    ],
)
def test_the_repository_of_an_image(image: str, expected: str | None) -> None:
    """Google's registries name project, location and repository in the image; other registries have none."""
    assert repository(image) == expected


def test_a_refusal_without_credentials_is_no_missing_right() -> None:
    """Artifact Registry names a right that is missing also to who shows no credentials at all."""
    text = 'denied: Unauthenticated request. Unauthenticated requests do not have permission "artifactregistry.repositories.downloadArtifacts": 403 Forbidden'
    assert classify_pull_failure(text) is PullFailure.UNAUTHORIZED
