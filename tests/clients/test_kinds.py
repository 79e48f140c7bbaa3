"""Where objects of a kind are: every cluster's kinds are known, others are asked for once."""

from __future__ import annotations

from pathlib import Path

import pytest

from remediation.model.errors import NotFound
from remediation.model.refs import Ref
from tests.clients.answering import answering, client, http

RESOURCES = {
    "kind": "APIResourceList",
    "resources": [
        {"name": "fishes", "kind": "Fish", "namespaced": True},
        {"name": "fishes/status", "kind": "Fish", "namespaced": True},
        {"name": "ponds", "kind": "Pond", "namespaced": False},
    ],
}


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (Ref("networking.k8s.io/v1", "Ingress", "a", "shop"), "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/a"),
        (Ref("v1", "Endpoints", "a", "shop"), "/api/v1/namespaces/shop/endpoints/a"),
        (Ref("storage.k8s.io/v1", "StorageClass", "a", "shop"), "/apis/storage.k8s.io/v1/storageclasses/a"),
        (Ref("scheduling.k8s.io/v1", "PriorityClass", "a"), "/apis/scheduling.k8s.io/v1/priorityclasses/a"),
        (Ref("policy/v1", "PodDisruptionBudget", "", "shop"), "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"),
    ],
)
def test_kinds_that_every_cluster_has_are_known(ref: Ref, path: str) -> None:
    """Plurals and scopes are those of the API's own discovery, without a request."""
    assert (ref.path, ref.is_known) == (path, True)


def test_other_kinds_are_asked_for_once(tmp_path: Path) -> None:
    """One request for each group version, however many objects are read; known kinds cost none."""
    asked: list[str] = []

    def answer(method: str, path: str) -> bytes:
        asked.append(path)
        return http(RESOURCES if path == "/apis/example.com/v1" else {"kind": "Fish", "metadata": {"name": "a"}})

    with answering(answer) as url:
        api = client(tmp_path, url)
        api.read(Ref("example.com/v1", "Fish", "a", "shop"))
        api.read(Ref("example.com/v1", "Pond", "b", "shop"))
        api.read(Ref("v1", "ConfigMap", "c", "shop"))
    assert asked == [
        "/apis/example.com/v1",
        "/apis/example.com/v1/namespaces/shop/fishes/a",
        "/apis/example.com/v1/ponds/b",
        "/api/v1/namespaces/shop/configmaps/c",
    ]


@pytest.mark.parametrize("code", [403, 404])
def test_a_kind_that_the_cluster_does_not_tell_of_is_told_as_the_object(tmp_path: Path, code: int) -> None:
    """Whether its definition is missing or discovery is forbidden, the answer about the object counts."""

    def answer(method: str, path: str) -> bytes:
        asked_for = code if path == "/apis/example.com/v1" else 404
        return http({"kind": "Status", "message": f"no {path}", "code": asked_for}, code=asked_for)

    with answering(answer) as url, pytest.raises(NotFound, match="fishs/a"):
        client(tmp_path, url).read(Ref("example.com/v1", "Fish", "a", "shop"))
