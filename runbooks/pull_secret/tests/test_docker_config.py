"""Key files and docker configurations: exact on the wire, invisible everywhere else."""

import base64
import copy
import hashlib
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.model.secrets import Secret, ServiceAccountKey
from runbooks.pull_secret.secret.docker_config import DockerConfig, Entry, docker_config_entry

BODY = "bm90LWEta2V5"
KEY = {
    "type": "service_account",
    "project_id": "example-prod",
    "private_key_id": "0123abcd",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n",
    "client_email": "puller@example-prod.iam.gserviceaccount.com",
}
RAW = json.dumps(KEY, indent=2).encode() + b"\n"

OTHERS: dict[str, dict[str, Any]] = {
    "credHelpers": {"registry.example.com": "gcloud"},
    "auths": {"quay.example.com": {"auth": base64.b64encode(b"bob:hunter2").decode(), "note": 1}},
    "HttpHeaders": {"User-Agent": "x"},
}


def entry() -> Entry:
    return docker_config_entry("gcr.io", ServiceAccountKey.parse(RAW))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


# Secret


@given(st.binary(min_size=1))
def test_a_secret_never_prints_its_value(value: bytes) -> None:
    """Every way to make text of it gives the mask, whatever the format asks for."""
    secret = Secret(value)
    for text in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>3}",
        f"{secret:>20}",
        f"{[secret]}",
        "".join(map(str, [secret])),
    ):
        assert text.strip("[]") == "***"
    assert secret.reveal() == value


@pytest.mark.parametrize("leak", [pickle.dumps, json.dumps, bytes, hash, vars, iter, len])
def test_a_secret_refuses_to_leave_by_another_way(leak: Callable[[object], object]) -> None:
    """Pickle, JSON, bytes and hash all fail, and their error does not show the value."""
    with pytest.raises(TypeError) as caught:
        leak(Secret(b"hunter2"))
    assert "hunter2" not in str(caught.value)


def test_secrets_compare_by_value_and_survive_a_copy() -> None:
    """Equality is that of the bytes; a copied object keeps the same secret."""
    assert Secret(b"one") == Secret(b"one")
    assert Secret(b"one") != Secret(b"other")
    assert Secret(b"one") != b"one"
    assert copy.deepcopy([Secret(b"one")]) == [Secret(b"one")]
    assert copy.copy(Secret(b"one")) == Secret(b"one")


# Key files


def test_a_key_file_tells_whose_key_it_is() -> None:
    """Address, key id and project are public; the rest is hidden, and the bytes stay exact."""
    key = ServiceAccountKey.parse(RAW)
    assert (key.client_email, key.private_key_id, key.project_id) == (
        KEY["client_email"],
        KEY["private_key_id"],
        KEY["project_id"],
    )
    assert key.raw.reveal() == RAW
    assert BODY not in f"{key!r} {key}"
    assert ServiceAccountKey.parse(Secret(RAW)) == key


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in KEY for value in (None, "", 7)),
        *((field, "hunter2") for field in ("type", "private_key", "client_email")),  # any text may be an id
    ],
)
def test_a_wrong_field_is_named_without_showing_the_file(field: str, value: object) -> None:
    """The message has the field and what is allowed; nothing of the file is in it or in what led to it."""
    with pytest.raises(ValueError, match=f"field {field} ") as caught:
        ServiceAccountKey.parse(json.dumps({**KEY, field: value}).encode())
    assert_hidden(caught.value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"hunter2", b"\xffhunter2", b'["hunter2"]', b'{"hunter2": 1, "hunter2": 2}', b'{"a":' * 9000, b"{hunter2"],
)
def test_what_is_no_key_file_is_refused_without_showing_it(raw: bytes) -> None:
    """Decoding errors carry the text they failed on, so they must not travel with ours."""
    with pytest.raises(ValueError, match="not a JSON object") as caught:
        ServiceAccountKey.parse(raw)
    assert_hidden(caught.value)
    with pytest.raises(ValueError, match="not a JSON object") as caught:
        DockerConfig.parse(raw)
    assert_hidden(caught.value)


def assert_hidden(error: BaseException) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(traceback.format_exception_only(error)) + repr(error.__dict__)
    assert "hunter2" not in shown
    assert BODY not in shown


# Entries and configurations


def test_the_entry_is_what_google_registries_expect() -> None:
    """User name, password, address and the combined field follow Google's documentation."""
    made = entry()
    assert dict(made) == {
        "username": "_json_key",
        "password": RAW.decode(),
        "email": KEY["client_email"],
        "auth": base64.b64encode(b"_json_key:" + RAW).decode(),
    }
    assert BODY not in f"{made} {made!r} {made!s} {made:>9}"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(made)
    with pytest.raises(ValueError, match="registry host"):
        docker_config_entry("https://gcr.io", ServiceAccountKey.parse(RAW))


def test_adding_a_host_keeps_everything_else() -> None:
    """Other hosts, unknown keys and the order of all of them survive."""
    config = DockerConfig.parse(json.dumps(OTHERS).encode()).merge("gcr.io", entry())
    document = json.loads(config.render())
    assert list(document) == list(OTHERS)
    assert document["credHelpers"] == OTHERS["credHelpers"]
    assert config.hosts == ("quay.example.com", "gcr.io")
    assert document["auths"]["quay.example.com"] == OTHERS["auths"]["quay.example.com"]
    assert config.entry("gcr.io") == entry()
    assert config.merge("gcr.io", entry()) == config


def test_a_host_that_the_kubelet_takes_for_the_same_is_replaced() -> None:
    """No second entry with old credentials stays behind under another spelling."""
    config = DockerConfig().merge("https://gcr.io", {"username": "a", "password": "b"}).merge("gcr.io", entry())
    assert config.hosts == ("https://gcr.io",)
    assert config.entry("gcr.io/v1/") == entry()
    assert config.without("gcr.io").hosts == ()


def test_credentials_match_in_either_notation() -> None:
    """The combined field and the two separate ones say the same; another password does not."""
    pair = {"username": "bob", "password": "hunter2"}
    host = "quay.example.com"
    shown = DockerConfig.parse(json.dumps(OTHERS["auths"]).encode()).fingerprints(sha256)
    assert DockerConfig().merge(host, {**pair, "note": 1}).fingerprints(sha256) == shown
    assert DockerConfig().merge(host, {**pair, "password": "x", "note": 1}).fingerprints(sha256) != shown


def test_the_older_format_stays_the_older_format() -> None:
    """Secrets of type kubernetes.io/dockercfg have their hosts at the top and must keep them there."""
    config = DockerConfig.parse(json.dumps(OTHERS["auths"]).encode())
    assert config.legacy
    document = json.loads(config.merge("gcr.io", entry()).render())
    assert list(document) == ["quay.example.com", "gcr.io"]
    assert not DockerConfig.parse(b"{}").legacy
    assert DockerConfig.parse(b"{}", legacy=True).legacy


def test_fingerprints_show_a_change_and_no_secret() -> None:
    """A host's digest changes exactly when its credentials do."""
    before = DockerConfig.parse(json.dumps(OTHERS).encode())
    after = before.merge("gcr.io", entry())
    assert after.fingerprints(sha256).items() > before.fingerprints(sha256).items()
    other = after.merge("gcr.io", {"username": "_json_key", "password": "rotated"})
    assert other.fingerprints(sha256)["gcr.io"] != after.fingerprints(sha256)["gcr.io"]
    assert other.fingerprints(sha256)["quay.example.com"] == after.fingerprints(sha256)["quay.example.com"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"auths": ["hunter2"]}', "auths"),
        ('{"auths": {"gcr.io": "hunter2"}}', "Entry 1"),
        ('{"auths": {"a": {}, "gcr.io": {"password": ["hunter2"]}}}', "Entry 2"),
        ('{"auths": {"gcr.io": {"auth": "hunter2!"}}}', "auth of entry 1"),
        ('{"auths": {"gcr.io": {"auth": "aHVudGVyMg=="}}}', "auth of entry 1"),
        ('{"auths": {"gcr.io": {"auth": "\\u00e9hunter2"}}}', "auth of entry 1"),
    ],
)
def test_what_the_kubelet_cannot_use_is_refused_without_showing_it(text: str, words: str) -> None:
    """One bad entry makes the kubelet drop the whole secret, so it is told, by number."""
    with pytest.raises(ValueError, match=words) as caught:
        DockerConfig.parse(text.encode())
    assert_hidden(caught.value)


hosts = st.from_regex(r"[a-z]{1,8}\.example\.(com|org)(:[1-9][0-9]{0,3})?", fullmatch=True)
credentials = st.fixed_dictionaries({"username": st.text(max_size=8), "password": st.text(min_size=6, max_size=20)})
extras = st.dictionaries(st.sampled_from(["credHelpers", "HttpHeaders", "x"]), st.text() | st.lists(st.integers()))


@given(auths=st.dictionaries(hosts, credentials, max_size=4), extra=extras, host=hosts, new=credentials)
def test_adding_and_removing_a_host_leaves_no_trace(
    auths: dict[str, dict[str, str]], extra: dict[str, object], host: str, new: dict[str, str]
) -> None:
    """A host that was absent is absent again; reading what was written gives the same configuration."""
    config = DockerConfig.parse(json.dumps({**extra, "auths": auths}).encode())
    assert DockerConfig.parse(config.render()) == config
    merged = config.merge(host, new)
    assert DockerConfig.parse(merged.render()) == merged
    assert merged.entry(host) == new
    if host not in auths:
        assert merged.without(host) == config
        assert merged.without(host).render() == config.render()
    assert config.without("absent.example.net") is config
    assert repr(merged) == f"{merged}" == f"DockerConfig(hosts={list(merged.hosts)})"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(merged)
