"""What clients do all day, with each kind: create, read, list, watch, change in every way, delete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind, builtin
from tests.sandbox.kubernetes.differential.asking import (
    APPLY,
    JSON_PATCH,
    MERGE_PATCH,
    PARTIAL,
    PARTIAL_LIST,
    STRATEGIC,
    TABLE,
    YAML,
    Ask,
    collection,
    manifest,
)
from tests.sandbox.kubernetes.differential.samples import SAMPLES

_LABELLED = {"metadata": {"labels": {"touched": "by-patch"}, "annotations": {"example.com/why": "a test"}}}


# The kinds that people change by hand and that the product writes; the others live a shorter life but in the sweep.
WORKHORSES = frozenset(
    {
        "configmaps",
        "secrets",
        "pods",
        "services",
        "serviceaccounts",
        "namespaces",
        "nodes",
        "events",
        "persistentvolumeclaims",
        "daemonsets.apps",
        "deployments.apps",
        "statefulsets.apps",
        "jobs.batch",
        "cronjobs.batch",
        "roles.rbac.authorization.k8s.io",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "leases.coordination.k8s.io",
        "networkpolicies.networking.k8s.io",
    }
)
_SHORT = frozenset(
    {"create", "create without fields", "get", "list as table", "merge patch", "update", "delete dry", "delete"}
)


def everyday(namespace: str, *, every: bool) -> Iterator[Ask]:
    """Yield the requests for all kinds, of the less usual ones only a few unless `every`."""
    for kind in builtin():
        if kind.group_resource in SAMPLES:
            full = every or kind.group_resource in WORKHORSES
            yield from (ask for ask in _life(kind, namespace) if full or ask.name.partition(": ")[2] in _SHORT)
        elif "list" in kind.verbs:
            yield Ask(
                f"{_label(kind)}: list", "GET", f"{collection(kind, namespace)}?fieldSelector=metadata.name=absent"
            )


def _label(kind: Kind) -> str:
    return kind.group_resource + (f"/{kind.version}" if kind.version != "v1" else "")


def _life(kind: Kind, namespace: str) -> Iterator[Ask]:
    name = "sample" if kind.namespaced else f"{namespace}-sample"
    label = _label(kind)
    fields = json.loads(json.dumps(SAMPLES[kind.group_resource]).replace("{namespace}", namespace))
    sample, all_of = manifest(kind, name, fields), collection(kind, namespace)
    one = f"{all_of}/{name}"

    def ask(what: str, method: str, path: str, body: Any = None, type: str = "application/json", **headers: str) -> Ask:
        return Ask(f"{label}: {what}", method, path, body, type, {k.replace("_", "-"): v for k, v in headers.items()})

    yield ask("get absent", "GET", one)
    yield ask("create dry", "POST", f"{all_of}?dryRun=All&fieldManager=tester", sample)
    yield ask("create", "POST", f"{all_of}?fieldManager=tester", sample)
    yield ask("create again", "POST", all_of, sample)
    yield ask("create without fields", "POST", f"{all_of}?dryRun=All", manifest(kind, "bare", {}))
    yield ask(
        "create with an unknown field",
        "POST",
        f"{all_of}?dryRun=All&fieldValidation=Strict",
        {**sample, "metadata": {"name": "unknown"}, "nonsense": 1},
    )
    yield ask("get", "GET", one)
    yield ask("get as table", "GET", one, **TABLE)
    yield ask("get metadata", "GET", one, **PARTIAL)
    yield ask("list", "GET", f"{all_of}?fieldSelector=metadata.name={name}")
    yield ask("list as table", "GET", f"{all_of}?fieldSelector=metadata.name={name}", **TABLE)
    yield ask("list metadata", "GET", f"{all_of}?fieldSelector=metadata.name={name}", **PARTIAL_LIST)
    yield ask("watch", "GET", f"{all_of}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name={name}")
    yield ask("merge patch", "PATCH", f"{one}?fieldManager=tester", _LABELLED, MERGE_PATCH)
    yield ask(
        "strategic patch",
        "PATCH",
        f"{one}?fieldManager=other",
        {"metadata": {"labels": {"touched": None, "also": "yes"}}},
        STRATEGIC,
    )
    yield ask(
        "json patch",
        "PATCH",
        one,
        [
            {"op": "test", "path": "/metadata/labels/also", "value": "yes"},
            {"op": "replace", "path": "/metadata/labels/also", "value": "no"},
        ],
        JSON_PATCH,
    )
    yield ask(
        "json patch that fails",
        "PATCH",
        one,
        [{"op": "test", "path": "/metadata/labels/also", "value": "yes"}],
        JSON_PATCH,
    )
    yield ask("apply dry", "PATCH", f"{one}?fieldManager=applier&dryRun=All&force=true", sample, APPLY)
    yield ask(
        "apply",
        "PATCH",
        f"{one}?fieldManager=applier&force=true",
        {**manifest(kind, name, {}), "metadata": {"name": name, "labels": {"applied": "yes"}}},
        APPLY,
    )
    yield ask("update with an old version", "PUT", one, {**sample, "metadata": {"name": name, "resourceVersion": "1"}})
    yield ask(
        "update",
        "PUT",
        f"{one}?fieldManager=tester",
        {**sample, "metadata": {"name": name, "labels": {"updated": "yes"}}},
    )
    yield ask(
        "update as yaml", "PUT", f"{one}?dryRun=All&fieldManager=tester", {**sample, "metadata": {"name": name}}, YAML
    )
    if "status" in kind.subresources:
        yield ask("get status", "GET", f"{one}/status")
        yield ask(
            "patch status",
            "PATCH",
            f"{one}/status?fieldManager=tester",
            {"metadata": {"annotations": {"status": "seen"}}, "status": {}},
            MERGE_PATCH,
        )
    if "scale" in kind.subresources:
        yield ask("get scale", "GET", f"{one}/scale")
        yield ask("patch scale", "PATCH", f"{one}/scale", {"spec": {"replicas": 2}}, MERGE_PATCH)
    yield ask(
        "delete with another uid", "DELETE", one, {"preconditions": {"uid": "11111111-2222-3333-4444-555555555555"}}
    )
    yield ask("delete with an old version", "DELETE", one, {"preconditions": {"resourceVersion": "1"}})
    yield ask("delete dry", "DELETE", f"{one}?dryRun=All")
    yield ask(
        "delete",
        "DELETE",
        one,
        {"preconditions": {"uid": "{uid}", "resourceVersion": "{version}"}, "gracePeriodSeconds": 0},
    )
    yield ask("delete again", "DELETE", one)
    yield ask("apply new", "PATCH", f"{one}-2?fieldManager=applier", manifest(kind, f"{name}-2", fields), APPLY)
    if kind.namespaced:
        yield ask("delete collection", "DELETE", f"{all_of}?gracePeriodSeconds=0&fieldSelector=metadata.name={name}-2")
    else:
        yield ask("delete the second", "DELETE", f"{one}-2")
