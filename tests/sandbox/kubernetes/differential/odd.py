"""What clients do by mistake: bodies, names, versions, selectors, options and methods that are not quite right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.sandbox.kubernetes.differential.asking import (
    APPLY,
    JSON,
    JSON_PATCH,
    MERGE_PATCH,
    PARTIAL,
    STRATEGIC,
    TABLE,
    YAML,
    Ask,
)
from tests.sandbox.kubernetes.differential.samples import POD, TEMPLATE, WORKLOAD

_UID = "11111111-2222-3333-4444-555555555555"


def odd(namespace: str) -> Iterator[Ask]:
    """Yield the requests, which find and leave a few objects of the namespace."""
    for part in (
        _bodies,
        _names,
        _metadata,
        _patches,
        _applies,
        _conflicts,
        _deletions,
        _lists,
        _workloads,
        _paths,
        _options,
    ):
        yield from part(namespace)


def _maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _map(name: str = "odd", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def _bodies(namespace: str) -> Iterator[Ask]:
    maps = _maps(namespace)
    bodies: dict[str, Any] = {
        "empty": b"",
        "an empty object": {},
        "an empty list": [],
        "null": b"null",
        "a number": b"1",
        "a string": b'"text"',
        "no JSON": b"{nonsense",
        "half an object": b'{"apiVersion":"v1"',
        "two objects": b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"two"}}{"a":1}',
        "trailing text": b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"trailing"}} x',
        "bytes that are no text": b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\xff"}}',
        "no kind": {"apiVersion": "v1", "metadata": {"name": "nokind"}},
        "no apiVersion": {"kind": "ConfigMap", "metadata": {"name": "noversion"}},
        "neither kind nor apiVersion": {"metadata": {"name": "neither"}},
        "another kind": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}},
        "an unknown kind": {"apiVersion": "v1", "kind": "Nonsense", "metadata": {"name": "other"}},
        "another version": {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "other"}},
        "another group": {"apiVersion": "apps/v1", "kind": "ConfigMap", "metadata": {"name": "other"}},
        "a kind that is a number": {"apiVersion": "v1", "kind": 1, "metadata": {"name": "other"}},
        "metadata that is a string": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": "name"},
        "metadata that is null": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": None},
        "no metadata": {"apiVersion": "v1", "kind": "ConfigMap"},
        "a name that is a number": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 1}},
        "data that is a list": _map(data=["a"]),
        "data that is a string": _map(data="a"),
        "a value that is a number": _map(data={"a": 1}),
        "a value that is true": _map(data={"a": True}),
        "a value that is null": _map("nulls", data={"a": None}),
        "a value that is an object": _map(data={"a": {}}),
        "immutable as a string": _map(immutable="yes"),
        "labels that are a list": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "odd", "labels": ["a"]},
        },
        "a label that is a number": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "odd", "labels": {"a": 1}},
        },
        "bytes that are not base64": _map(binaryData={"a": "not base64!"}),
        "nulls everywhere": _map("nulls2", data=None, binaryData=None, immutable=None),
        "a time that is none": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "odd", "creationTimestamp": "yesterday"},
        },
        "a list of objects": {"apiVersion": "v1", "kind": "List", "items": [_map()]},
        "a ConfigMapList": {"apiVersion": "v1", "kind": "ConfigMapList", "items": [_map()]},
    }
    for what, body in bodies.items():
        yield Ask(f"odd body: {what}", "POST", f"{maps}?dryRun=All", body)
    doubled = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"doubled","name":"doubled"},"data":{"a":"1","a":"2"},"nonsense":1}'
    unknown = _map("unknown", nonsense=1, data={"a": "1"}) | {"metadata": {"name": "unknown", "nonsense": 1}}
    for mode in ("Strict", "Warn", "Ignore", "strict", ""):
        for what, body in (("duplicate keys", doubled), ("unknown fields", unknown)):
            yield Ask(
                f"odd body: {what}, fieldValidation={mode}", "POST", f"{maps}?dryRun=All&fieldValidation={mode}", body
            )
    texts = {
        "yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: '1'\n",
        "yaml with a number as value": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: 1\n",
        "yaml that is none": "a: [b\n",
        "yaml with a tab": "a:\n\t- b\n",
        "yaml with a duplicate key": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\n  name: yaml2\n",
        "yaml of two documents": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\n---\napiVersion: v1\n",
    }
    for what, text in texts.items():
        yield Ask(f"odd body: {what}", "POST", f"{maps}?dryRun=All", text, YAML)
    for media in (
        "text/plain",
        "application/xml",
        "",
        "application/json; charset=utf-8",
        "application/yaml;charset=utf-8",
        "application/x-www-form-urlencoded",
        MERGE_PATCH,
        "nonsense",
    ):
        yield Ask(f"odd body: content type {media or 'none'}", "POST", f"{maps}?dryRun=All", _map("typed"), media)
    numbers = {
        "huge": 10**30,
        "a fraction": 1.5,
        "a whole fraction": 2.0,
        "negative": -1,
        "beyond 32 bits": 2**31,
        "beyond 64 bits": 2**63,
        "a string": "3",
        "an exponent": b"1e2",
    }
    for what, number in numbers.items():
        body: Any = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "numbers"},
            "spec": {**WORKLOAD, "replicas": 0},
        }
        if isinstance(number, bytes):
            text = Ask("", "", "", body).data() or b""
            body = text.replace(b'"replicas":0', b'"replicas":' + number)
        else:
            body["spec"]["replicas"] = number
        yield Ask(
            f"odd body: replicas {what}", "POST", f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All", body
        )


def _names(namespace: str) -> Iterator[Ask]:
    maps = _maps(namespace)
    names = (
        "Upper",
        "under_score",
        "a.b",
        "a..b",
        "-a",
        "a-",
        "a" * 253,
        "a" * 254,
        "a/b",
        "a b",
        "ä",
        ".",
        "..",
        "%",
        "1",
        "",
    )
    for name in names:
        yield Ask(f"odd name: configmap {name[:30]!r} of {len(name)}", "POST", f"{maps}?dryRun=All", _map(name))
    for plural, kind in (
        ("services", "Service"),
        ("namespaces", "Namespace"),
        ("serviceaccounts", "ServiceAccount"),
        ("pods", "Pod"),
        ("secrets", "Secret"),
    ):
        root = "/api/v1/namespaces" if plural == "namespaces" else f"/api/v1/namespaces/{namespace}/{plural}"
        spec = {"spec": {"ports": [{"port": 80}]}} if kind == "Service" else {"spec": POD} if kind == "Pod" else {}
        for name in ("a.b", "1a", "Upper", "a" * 64):
            yield Ask(
                f"odd name: {kind} {name[:20]!r} of {len(name)}",
                "POST",
                f"{root}?dryRun=All",
                {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **spec},
            )
    for name in ("Role", "RoleBinding"):
        rest: dict[str, Any] = (
            {"rules": []}
            if name == "Role"
            else {"roleRef": {"kind": "Role", "name": "x", "apiGroup": "rbac.authorization.k8s.io"}}
        )
        for each in ("system:x", "a/b", "a%b", "."):
            yield Ask(
                f"odd name: {name} {each!r}",
                "POST",
                f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/{name.lower()}s?dryRun=All",
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": name, "metadata": {"name": each}, **rest},
            )
    for key in ("a b", "a/b", "", ".", "..", "..a", "A_1.-", "a" * 254):
        yield Ask(
            f"odd name: key {key[:20]!r} of {len(key)}", "POST", f"{maps}?dryRun=All", _map("keys", data={key: "1"})
        )
    yield Ask(
        "odd name: key in data and binaryData",
        "POST",
        f"{maps}?dryRun=All",
        _map("keys", data={"a": "1"}, binaryData={"a": "MQ=="}),
    )
    yield Ask(
        "odd name: generated",
        "POST",
        f"{maps}?dryRun=All",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "generated-"}},
    )
    yield Ask(
        "odd name: generated from something long",
        "POST",
        f"{maps}?dryRun=All",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "Bad_"}},
    )
    yield Ask(
        "odd name: name and generateName",
        "POST",
        f"{maps}?dryRun=All",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "both", "generateName": "generated-"}},
    )


def _metadata(namespace: str) -> Iterator[Ask]:
    maps = _maps(namespace)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": _UID}
    parts: dict[str, dict[str, Any]] = {
        "label key with a space": {"labels": {"a b": "1"}},
        "label key with two slashes": {"labels": {"a/b/c": "1"}},
        "label key with an empty prefix": {"labels": {"/a": "1"}},
        "label key with an empty name": {"labels": {"a.b/": "1"}},
        "label key too long": {"labels": {"a" * 64: "1"}},
        "label prefix in upper case": {"labels": {"Example.com/a": "1"}},
        "empty label key": {"labels": {"": "1"}},
        "label value with a slash": {"labels": {"a": "b/c"}},
        "label value too long": {"labels": {"a": "b" * 64}},
        "label value ending in a dash": {"labels": {"a": "b-"}},
        "annotation key with a space": {"annotations": {"a b": "1"}},
        "annotation key in upper case": {"annotations": {"Example.com/A": "1"}},
        "annotations too large": {"annotations": {"a": "b" * 300_000}},
        "finalizer without a domain": {"finalizers": ["nonsense"]},
        "finalizer with a space": {"finalizers": ["example.com/a b"]},
        "finalizer of the garbage collector": {"finalizers": ["orphan", "foregroundDeletion"]},
        "finalizer twice": {"finalizers": ["example.com/a", "example.com/a"]},
        "owner": {"ownerReferences": [owner]},
        "owner without uid": {"ownerReferences": [{**owner, "uid": ""}]},
        "owner without kind": {"ownerReferences": [{**owner, "kind": ""}]},
        "two controllers": {
            "ownerReferences": [
                {**owner, "controller": True},
                {**owner, "uid": _UID[::-1], "name": "b", "controller": True},
            ]
        },
        "owner twice": {"ownerReferences": [owner, owner]},
        "another namespace": {"namespace": "kube-system"},
        "a version": {"resourceVersion": "5"},
        "a uid": {"uid": _UID},
        "a generation": {"generation": 7},
        "a time of creation": {"creationTimestamp": "2020-01-01T00:00:00Z"},
        "a time of deletion": {"deletionTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": 5},
        "a self link": {"selfLink": "/x"},
        "owners of fields": {
            "managedFields": [
                {
                    "manager": "me",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {}},
                }
            ]
        },
        "nonsense as owners of fields": {"managedFields": [{"manager": "me", "operation": "Nonsense"}]},
    }
    for what, part in parts.items():
        yield Ask(
            f"odd metadata: {what}",
            "POST",
            f"{maps}?dryRun=All&fieldManager=tester",
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "odd", **part}},
        )


def _patches(namespace: str) -> Iterator[Ask]:
    one = f"{_maps(namespace)}/patched"
    yield Ask(
        "patch: make",
        "POST",
        f"{_maps(namespace)}?fieldManager=tester",
        _map("patched", data={"a": "1", "b": "2", "list": "x"}),
    )
    operations: dict[str, Any] = {
        "empty": [],
        "an object": {},
        "test": [{"op": "test", "path": "/data/a", "value": "1"}],
        "test another value": [{"op": "test", "path": "/data/a", "value": "2"}],
        "test an absent field": [{"op": "test", "path": "/data/zzz", "value": "2"}],
        "test an absent field for null": [{"op": "test", "path": "/data/zzz", "value": None}],
        "test below an absent field": [{"op": "test", "path": "/zzz/a", "value": None}],
        "remove an absent field": [{"op": "remove", "path": "/data/zzz"}],
        "replace an absent field": [{"op": "replace", "path": "/data/zzz", "value": "1"}],
        "add below an absent field": [{"op": "add", "path": "/binaryData/a", "value": "MQ=="}],
        "add to no list": [{"op": "add", "path": "/data/-", "value": "1"}],
        "add the whole": [{"op": "add", "path": "", "value": {}}],
        "move": [{"op": "move", "from": "/data/a", "path": "/data/moved"}],
        "copy": [{"op": "copy", "from": "/data/a", "path": "/data/copied"}],
        "copy an absent field": [{"op": "copy", "from": "/data/zzz", "path": "/data/copied"}],
        "an unknown operation": [{"op": "nonsense", "path": "/data/a"}],
        "no operation": [{"path": "/data/a", "value": "1"}],
        "no path": [{"op": "add", "value": "1"}],
        "no value": [{"op": "add", "path": "/data/novalue"}],
        "a path without a slash": [{"op": "add", "path": "data/a", "value": "1"}],
        "a number as value": [{"op": "add", "path": "/data/a", "value": 1}],
        "an unknown field": [{"op": "add", "path": "/nonsense", "value": 1}],
        "another name": [{"op": "replace", "path": "/metadata/name", "value": "other"}],
        "another namespace": [{"op": "replace", "path": "/metadata/namespace", "value": "other"}],
        "another uid": [{"op": "replace", "path": "/metadata/uid", "value": _UID}],
        "another version": [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}],
        "no version": [{"op": "remove", "path": "/metadata/resourceVersion"}],
        "another kind": [{"op": "replace", "path": "/kind", "value": "Secret"}],
        "a bad label": [{"op": "add", "path": "/metadata/labels", "value": {"a b": "1"}}],
        "an escaped path": [
            {"op": "add", "path": "/metadata/annotations", "value": {"a/b~c": "1"}},
            {"op": "test", "path": "/metadata/annotations/a~1b~0c", "value": "1"},
        ],
        "creation time": [{"op": "replace", "path": "/metadata/creationTimestamp", "value": "2020-01-01T00:00:00Z"}],
        "owners of fields away": [{"op": "remove", "path": "/metadata/managedFields"}],
    }
    for what, body in operations.items():
        yield Ask(f"json patch: {what}", "PATCH", f"{one}?dryRun=All&fieldManager=tester", body, JSON_PATCH)
    merges: dict[str, Any] = {
        "empty": {},
        "null": b"null",
        "a list": [],
        "no JSON": b"{x",
        "nothing": b"",
        "remove": {"data": {"a": None}},
        "remove all": {"data": None},
        "a number as value": {"data": {"a": 1}},
        "an unknown field": {"nonsense": 1},
        "another name": {"metadata": {"name": "other"}},
        "another kind": {"kind": "Secret"},
        "an old version": {"metadata": {"resourceVersion": "1"}},
        "the present version": {"metadata": {"resourceVersion": "{version}"}, "data": {"c": "3"}},
        "another uid": {"metadata": {"uid": _UID}},
        "a finalizer": {"metadata": {"finalizers": ["example.com/x"]}},
        "metadata null": {"metadata": None},
    }
    for media, label in ((MERGE_PATCH, "merge patch"), (STRATEGIC, "strategic patch")):
        for what, body in merges.items():
            yield Ask(f"{label}: {what}", "PATCH", f"{one}?dryRun=All&fieldManager=tester", body, media)
    for mode in ("Strict", "Warn", "Ignore"):
        yield Ask(
            f"merge patch: an unknown field, fieldValidation={mode}",
            "PATCH",
            f"{one}?dryRun=All&fieldValidation={mode}",
            {"nonsense": 1},
            MERGE_PATCH,
        )
    for media in ("", JSON, YAML, "text/plain", "application/apply-patch+json"):
        yield Ask(f"patch: content type {media or 'none'}", "PATCH", one, {"data": {"a": "1"}}, media)
    yield Ask("patch: an absent object", "PATCH", f"{_maps(namespace)}/absent", {}, MERGE_PATCH)
    yield Ask("patch: a collection", "PATCH", _maps(namespace), {}, MERGE_PATCH)
    yield Ask("patch: as table", "PATCH", f"{one}?dryRun=All", {"data": {"t": "1"}}, MERGE_PATCH, TABLE)
    yield Ask("patch: metadata", "PATCH", f"{one}?dryRun=All", {"data": {"t": "1"}}, MERGE_PATCH, PARTIAL)
    yield Ask("patch: force without apply", "PATCH", f"{one}?dryRun=All&force=true", {"data": {"t": "1"}}, MERGE_PATCH)


def _applies(namespace: str) -> Iterator[Ask]:
    one = f"{_maps(namespace)}/applied"
    yield Ask("apply: new", "PATCH", f"{one}?fieldManager=one", _map("applied", data={"a": "1", "b": "2"}), APPLY)
    yield Ask("apply: the same", "PATCH", f"{one}?fieldManager=one", _map("applied", data={"a": "1", "b": "2"}), APPLY)
    yield Ask("apply: conflict", "PATCH", f"{one}?fieldManager=two", _map("applied", data={"a": "2"}), APPLY)
    yield Ask(
        "apply: two conflicts", "PATCH", f"{one}?fieldManager=two", _map("applied", data={"a": "2", "b": "3"}), APPLY
    )
    yield Ask("apply: shared", "PATCH", f"{one}?fieldManager=two", _map("applied", data={"a": "1"}), APPLY)
    yield Ask("apply: forced", "PATCH", f"{one}?fieldManager=two&force=true", _map("applied", data={"a": "3"}), APPLY)
    yield Ask("apply: less", "PATCH", f"{one}?fieldManager=one", _map("applied", data={"c": "1"}), APPLY)
    yield Ask("apply: nothing", "PATCH", f"{one}?fieldManager=one", _map("applied"), APPLY)
    yield Ask(
        "apply: update by another", "PATCH", f"{one}?fieldManager=three", {"data": {"a": "9", "d": "4"}}, MERGE_PATCH
    )
    yield Ask(
        "apply: conflict with an update", "PATCH", f"{one}?fieldManager=two", _map("applied", data={"a": "3"}), APPLY
    )
    yield Ask("apply: no manager", "PATCH", one, _map("applied"), APPLY)
    yield Ask("apply: another name", "PATCH", f"{one}?fieldManager=one", _map("other"), APPLY)
    yield Ask(
        "apply: no name",
        "PATCH",
        f"{one}?fieldManager=one&dryRun=All",
        {"apiVersion": "v1", "kind": "ConfigMap"},
        APPLY,
    )
    yield Ask("apply: no kind", "PATCH", f"{one}?fieldManager=one", {"apiVersion": "v1"}, APPLY)
    yield Ask(
        "apply: another kind",
        "PATCH",
        f"{one}?fieldManager=one",
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "applied"}},
        APPLY,
    )
    yield Ask("apply: empty", "PATCH", f"{one}?fieldManager=one", b"", APPLY)
    yield Ask("apply: no YAML", "PATCH", f"{one}?fieldManager=one", "a: [", APPLY)
    yield Ask(
        "apply: an unknown field", "PATCH", f"{one}?fieldManager=one&force=true", _map("applied", nonsense=1), APPLY
    )
    yield Ask("apply: wrong type", "PATCH", f"{one}?fieldManager=one&force=true", _map("applied", data=[]), APPLY)
    yield Ask(
        "apply: a number as value", "PATCH", f"{one}?fieldManager=one&force=true", _map("applied", data={"a": 1}), APPLY
    )
    yield Ask(
        "apply: owners of fields",
        "PATCH",
        f"{one}?fieldManager=one",
        _map("applied") | {"metadata": {"name": "applied", "managedFields": [{"manager": "x"}]}},
        APPLY,
    )
    yield Ask(
        "apply: an old version",
        "PATCH",
        f"{one}?fieldManager=one",
        _map("applied") | {"metadata": {"name": "applied", "resourceVersion": "1"}},
        APPLY,
    )
    yield Ask(
        "apply: another namespace",
        "PATCH",
        f"{one}?fieldManager=one",
        _map("applied") | {"metadata": {"name": "applied", "namespace": "other"}},
        APPLY,
    )
    yield Ask("apply: manager too long", "PATCH", f"{one}?fieldManager={'m' * 129}", _map("applied"), APPLY)
    pod = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "applied"}, "spec": WORKLOAD}
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/applied"
    two = {
        **TEMPLATE,
        "spec": {
            "containers": [
                *POD["containers"],
                {"name": "second", "image": "registry.example.com/b:1", "env": [{"name": "A", "value": "1"}]},
            ]
        },
    }
    yield Ask("apply: deployment", "PATCH", f"{deployment}?fieldManager=one", pod, APPLY)
    yield Ask(
        "apply: a second container",
        "PATCH",
        f"{deployment}?fieldManager=two",
        {**pod, "spec": {**WORKLOAD, "template": two}},
        APPLY,
    )
    yield Ask("apply: without the second container", "PATCH", f"{deployment}?fieldManager=two", pod, APPLY)
    yield Ask(
        "apply: another image",
        "PATCH",
        f"{deployment}?fieldManager=two",
        {
            **pod,
            "spec": {
                **WORKLOAD,
                "template": {
                    **TEMPLATE,
                    "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:2"}]},
                },
            },
        },
        APPLY,
    )
    yield Ask(
        "apply: strategic patch of a container",
        "PATCH",
        f"{deployment}?fieldManager=two",
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example.com/app:3"}]}}}},
        STRATEGIC,
    )
    yield Ask(
        "apply: strategic deletion of a container",
        "PATCH",
        f"{deployment}?dryRun=All",
        {"spec": {"template": {"spec": {"containers": [{"$patch": "delete", "name": "app"}]}}}},
        STRATEGIC,
    )
    yield Ask(
        "apply: strategic replacement",
        "PATCH",
        f"{deployment}?dryRun=All",
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        STRATEGIC,
    )
    yield Ask("apply: deployment away", "DELETE", deployment)


def _conflicts(namespace: str) -> Iterator[Ask]:
    maps, one = _maps(namespace), f"{_maps(namespace)}/updated"
    yield Ask("update: absent", "PUT", one, _map("updated"))
    yield Ask("update: make", "POST", f"{maps}?fieldManager=tester", _map("updated", data={"a": "1"}))
    yield Ask("update: unconditional", "PUT", f"{one}?dryRun=All", _map("updated", data={"a": "2"}))
    yield Ask(
        "update: with the version",
        "PUT",
        f"{one}?fieldManager=tester",
        _map("updated", data={"a": "2"}) | {"metadata": {"name": "updated", "resourceVersion": "{version}"}},
    )
    yield Ask(
        "update: with the uid",
        "PUT",
        f"{one}?dryRun=All",
        _map("updated") | {"metadata": {"name": "updated", "uid": "{uid}"}},
    )
    yield Ask("update: with another uid", "PUT", one, _map("updated") | {"metadata": {"name": "updated", "uid": _UID}})
    yield Ask(
        "update: with a version that is none",
        "PUT",
        one,
        _map("updated") | {"metadata": {"name": "updated", "resourceVersion": "x"}},
    )
    yield Ask("update: another name", "PUT", one, _map("other"))
    yield Ask("update: no name", "PUT", f"{one}?dryRun=All", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    yield Ask(
        "update: another namespace",
        "PUT",
        one,
        _map("updated") | {"metadata": {"name": "updated", "namespace": "other"}},
    )
    yield Ask("update: empty", "PUT", one, b"")
    yield Ask("update: a collection", "PUT", maps, _map("updated"))
    yield Ask("update: the same", "PUT", f"{one}?fieldManager=other", _map("updated", data={"a": "2"}))
    yield Ask(
        "update: creation time",
        "PUT",
        f"{one}?dryRun=All",
        _map("updated") | {"metadata": {"name": "updated", "creationTimestamp": "2020-01-01T00:00:00Z"}},
    )
    yield Ask(
        "update: deletion time",
        "PUT",
        f"{one}?dryRun=All",
        _map("updated") | {"metadata": {"name": "updated", "deletionTimestamp": "2020-01-01T00:00:00Z"}},
    )
    yield Ask("update: to immutable", "PUT", one, _map("updated", data={"a": "2"}, immutable=True))
    yield Ask("update: immutable data", "PUT", one, _map("updated", data={"a": "3"}, immutable=True))
    yield Ask("update: no longer immutable", "PUT", one, _map("updated", data={"a": "2"}))
    yield Ask(
        "update: label of an immutable one",
        "PATCH",
        f"{one}?fieldManager=tester",
        {"metadata": {"labels": {"a": "b"}}},
        MERGE_PATCH,
    )
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "updated"}}
    yield Ask("update: make a secret", "POST", secrets, {**secret, "type": "Opaque"})
    yield Ask("update: another type of secret", "PUT", f"{secrets}/updated", {**secret, "type": "other"})
    for of, key, value in (
        ("kubernetes.io/dockerconfigjson", "x", "MQ=="),
        ("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "eA=="),
        ("kubernetes.io/tls", "tls.crt", "MQ=="),
        ("kubernetes.io/basic-auth", "x", "MQ=="),
        ("kubernetes.io/service-account-token", "x", "MQ=="),
        ("kubernetes.io/ssh-auth", "x", "MQ=="),
    ):
        yield Ask(
            f"update: secret of type {of} with {key}",
            "POST",
            f"{secrets}?dryRun=All",
            {**secret, "metadata": {"name": "typed"}, "type": of, "data": {key: value}},
        )


def _deletions(namespace: str) -> Iterator[Ask]:
    maps, one = _maps(namespace), f"{_maps(namespace)}/deleted"
    yield Ask("delete: absent", "DELETE", f"{maps}/absent")
    yield Ask(
        "delete: make",
        "POST",
        f"{maps}?fieldManager=tester",
        _map("deleted") | {"metadata": {"name": "deleted", "finalizers": ["example.com/x"]}},
    )
    bodies: dict[str, Any] = {
        "no JSON": b"{x",
        "a list": [],
        "an unknown option": {"nonsense": 1},
        "another kind of body": {"apiVersion": "v1", "kind": "ConfigMap"},
        "a whole body": {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]},
        "dry run of nonsense": {"dryRun": ["Nonsense"]},
        "an unknown policy": {"propagationPolicy": "Nonsense"},
        "policy and orphans": {"propagationPolicy": "Orphan", "orphanDependents": True},
        "grace as a string": {"gracePeriodSeconds": "5"},
        "negative grace": {"gracePeriodSeconds": -5, "dryRun": ["All"]},
        "both preconditions wrong": {"preconditions": {"uid": _UID, "resourceVersion": "1"}},
    }
    for what, body in bodies.items():
        yield Ask(f"delete: {what}", "DELETE", one, body)
    yield Ask("delete: dryRun in the query", "DELETE", f"{one}?dryRun=Nonsense")
    yield Ask("delete: policy in the query", "DELETE", f"{one}?propagationPolicy=Nonsense")
    yield Ask("delete: grace in the query", "DELETE", f"{one}?gracePeriodSeconds=x")
    yield Ask("delete: with a finalizer", "DELETE", one)
    yield Ask("delete: again with a finalizer", "DELETE", one)
    yield Ask("delete: read what waits", "GET", one)
    yield Ask("delete: create what waits", "POST", maps, _map("deleted"))
    yield Ask(
        "delete: another finalizer",
        "PATCH",
        one,
        {"metadata": {"finalizers": ["example.com/x", "example.com/y"]}},
        MERGE_PATCH,
    )
    yield Ask("delete: change what waits", "PATCH", f"{one}?fieldManager=tester", {"data": {"a": "1"}}, MERGE_PATCH)
    yield Ask("delete: revive", "PATCH", one, {"metadata": {"deletionTimestamp": None}}, MERGE_PATCH)
    yield Ask("delete: release", "PATCH", f"{one}?fieldManager=tester", {"metadata": {"finalizers": None}}, MERGE_PATCH)
    yield Ask("delete: gone", "GET", one)
    for policy in ("Foreground", "Orphan", "Background"):
        yield Ask(f"delete: make for {policy}", "POST", maps, _map("policy"))
        yield Ask(f"delete: {policy}", "DELETE", f"{maps}/policy", {"propagationPolicy": policy})
        yield Ask(
            f"delete: release {policy}", "PATCH", f"{maps}/policy", {"metadata": {"finalizers": None}}, MERGE_PATCH
        )
    yield Ask("delete: collection with a bad selector", "DELETE", f"{maps}?labelSelector=a%20b")
    yield Ask("delete: collection dry", "DELETE", f"{maps}?dryRun=All&labelSelector=none%3Dyes")
    pods = f"/api/v1/namespaces/{namespace}/pods"
    yield Ask(
        "delete: make a pod",
        "POST",
        pods,
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bound"}, "spec": {**POD, "nodeName": "node-1"}},
    )
    yield Ask(
        "delete: evict dry",
        "POST",
        f"{pods}/bound/eviction?dryRun=All",
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "bound"}},
    )
    yield Ask(
        "delete: evict another",
        "POST",
        f"{pods}/bound/eviction",
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}},
    )
    yield Ask(
        "delete: evict an absent pod",
        "POST",
        f"{pods}/absent/eviction",
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "absent"}},
    )
    yield Ask("delete: bound pod", "DELETE", f"{pods}/bound")
    yield Ask("delete: bound pod again with less grace", "DELETE", f"{pods}/bound?gracePeriodSeconds=5")
    yield Ask("delete: bound pod at once", "DELETE", f"{pods}/bound?gracePeriodSeconds=0")


def _lists(namespace: str) -> Iterator[Ask]:
    maps = _maps(namespace)
    for number in range(5):
        yield Ask(
            f"list: make {number}",
            "POST",
            f"{maps}?fieldManager=tester",
            _map(f"listed-{number}")
            | {
                "metadata": {
                    "name": f"listed-{number}",
                    "labels": {"listed": "yes", "even": str(number % 2 == 0).lower(), "number": str(number)},
                }
            },
        )
    selectors = (
        "listed", "!listed", "even=true,listed", "even==true,listed", "even!=true,listed", "listed,even in (true)", "listed,even notin (true, x)",
        "listed,number>2", "listed,number<2", "listed,number>x", "a b", "listed=", "=x", "a=b=c", "even in", "even in ()", "even in true", ",", "listed,", "a/b/c=d", "even in (true", "even=true even=false",
        "listed,number in (1,2),even=true", "(", "listed=yes,listed!=no", "Ä=1", "a=-", "listed , even = true",
    )  # fmt: skip
    for text in selectors:
        quoted = "".join(
            each if each.isalnum() and each.isascii() else "".join(f"%{byte:02X}" for byte in each.encode())
            for each in text
        )
        yield Ask(
            f"list: labels {text!r}",
            "GET",
            f"{maps}?labelSelector={quoted}{'' if 'listed' in text else '&fieldSelector=metadata.name%3Dlisted-1'}",
        )
    for text in (
        "metadata.name=listed-1",
        "metadata.name==listed-1",
        "metadata.name!=listed-1,metadata.name=listed-2",
        "metadata.namespace=x",
        "metadata.uid=x",
        "data.a=1",
        "metadata.name",
        "metadata.name>1",
        "=x",
        ",",
        "metadata.name=listed-1,",
        "metadata.name in (a)",
    ):
        quoted = text.replace("=", "%3D").replace(",", "%2C").replace(" ", "%20")
        yield Ask(f"list: fields {text!r}", "GET", f"{maps}?labelSelector=listed&fieldSelector={quoted}")
    for text in (
        "spec.nodeName=x",
        "status.phase=Running",
        "spec.nonsense=x",
        "involvedObject.name=x",
        "spec.restartPolicy!=Always",
        "spec.hostNetwork=true",
    ):
        quoted = text.replace("=", "%3D").replace("!", "%21")
        yield Ask(
            f"list: pods by {text!r}",
            "GET",
            f"/api/v1/namespaces/{namespace}/pods?labelSelector=none&fieldSelector={quoted}",
        )
    for plural in ("secrets", "namespaces", "events", "services"):
        root = "/api/v1/namespaces" if plural == "namespaces" else f"/api/v1/namespaces/{namespace}/{plural}"
        yield Ask(f"list: {plural} by nonsense", "GET", f"{root}?fieldSelector=nonsense%3Dx")
    for query in ("limit=2", "limit=5", "limit=0", "limit=-1", "limit=x", "continue=nonsense", "continue=e30", "resourceVersion=0", "resourceVersion=x",
                  "resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=NotOlderThan", "resourceVersionMatch=Nonsense&resourceVersion=1", "limit=2&continue=nonsense&resourceVersion=5", "timeoutSeconds=x", "timeoutSeconds=5", "pretty=true", "nonsense=1", "watch=false", "sendInitialEvents=true", "allowWatchBookmarks=x"):  # fmt: skip
        yield Ask(f"list: {query}", "GET", f"{maps}?labelSelector=listed&{query}")
    for query in (
        "resourceVersion=x",
        "timeoutSeconds=x",
        "labelSelector=a%20b",
        "fieldSelector=data.a%3D1",
        "sendInitialEvents=true",
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=none",
        "limit=1",
    ):
        yield Ask(
            f"watch: {query}",
            "GET",
            f"{maps}?watch=true&timeoutSeconds=1&{query}" if "timeout" not in query else f"{maps}?watch=true&{query}",
        )
    yield Ask(
        "watch: one by the old path",
        "GET",
        f"/api/v1/watch/namespaces/{namespace}/configmaps/listed-1?timeoutSeconds=1&watch=true",
    )
    for number in range(5):
        yield Ask(f"list: away {number}", "DELETE", f"{maps}/listed-{number}")
    yield Ask("list: all namespaces", "GET", "/api/v1/configmaps?labelSelector=none")
    yield Ask("list: an absent namespace", "GET", "/api/v1/namespaces/absent/configmaps")
    yield Ask("list: create in an absent namespace", "POST", "/api/v1/namespaces/absent/configmaps", _map("odd"))
    yield Ask("list: create in all namespaces", "POST", "/api/v1/configmaps", _map("odd"))


def _workloads(namespace: str) -> Iterator[Ask]:
    root = f"/apis/apps/v1/namespaces/{namespace}"
    container = POD["containers"][0]
    specs: dict[str, dict[str, Any]] = {
        "no selector": {"template": TEMPLATE},
        "no template": {"selector": WORKLOAD["selector"]},
        "another selector": {**WORKLOAD, "selector": {"matchLabels": {"app": "other"}}},
        "an empty selector": {**WORKLOAD, "selector": {}},
        "a bad expression": {**WORKLOAD, "selector": {"matchExpressions": [{"key": "app", "operator": "Nonsense"}]}},
        "negative replicas": {**WORKLOAD, "replicas": -1},
        "an unknown strategy": {**WORKLOAD, "strategy": {"type": "Nonsense"}, "updateStrategy": {"type": "Nonsense"}},
    }
    for what, spec in specs.items():
        for kind in ("Deployment", "DaemonSet", "StatefulSet"):
            kept = {
                key: item
                for key, item in spec.items()
                if key != ("updateStrategy" if kind == "Deployment" else "strategy")
            }
            yield Ask(
                f"workload: {kind} with {what}",
                "POST",
                f"{root}/{kind.lower()}s?dryRun=All",
                {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "odd"}, "spec": kept},
            )
    pods: dict[str, dict[str, Any]] = {
        "no containers": {"containers": []},
        "a container without name": {"containers": [{"image": "a"}]},
        "a container without image": {"containers": [{"name": "a"}]},
        "two containers of one name": {"containers": [container, container]},
        "a bad container name": {"containers": [{**container, "name": "A_b"}]},
        "an unknown pull policy": {"containers": [{**container, "imagePullPolicy": "Nonsense"}]},
        "an unknown restart policy": {**POD, "restartPolicy": "Nonsense"},
        "a port out of range": {"containers": [{**container, "ports": [{"containerPort": 70000}]}]},
        "a port without number": {"containers": [{**container, "ports": [{"name": "http"}]}]},
        "a port of an unknown protocol": {
            "containers": [{**container, "ports": [{"containerPort": 80, "protocol": "X"}]}]
        },
        "a bad amount": {"containers": [{**container, "resources": {"requests": {"cpu": "a lot"}}}]},
        "a negative amount": {"containers": [{**container, "resources": {"requests": {"cpu": "-1"}}}]},
        "more requested than the limit": {
            "containers": [{**container, "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}]
        },
        "amounts in many forms": {
            "containers": [
                {
                    **container,
                    "resources": {
                        "requests": {"cpu": "0.5", "memory": "1024Mi"},
                        "limits": {"cpu": "1000m", "memory": "2e9"},
                    },
                }
            ]
        },
        "an amount that is a number": {
            "containers": [{**container, "resources": {"requests": {"cpu": 1, "memory": 1048576}}}]
        },
        "a mount without volume": {"containers": [{**container, "volumeMounts": [{"name": "x", "mountPath": "/x"}]}]},
        "two volumes of one name": {**POD, "volumes": [{"name": "a"}, {"name": "a"}]},
        "an environment variable without name": {"containers": [{**container, "env": [{"value": "1"}]}]},
        "a bad node selector": {**POD, "nodeSelector": {"a b": "c"}},
        "a toleration of nonsense": {**POD, "tolerations": [{"operator": "Nonsense"}]},
        "an absent service account": {**POD, "serviceAccountName": "absent"},
        "an absent priority class": {**POD, "priorityClassName": "absent"},
        "a priority class of the system": {**POD, "priorityClassName": "system-node-critical"},
        "host network": {**POD, "hostNetwork": True, "containers": [{**container, "ports": [{"containerPort": 80}]}]},
        "an init container": {**POD, "initContainers": [{"name": "init", "image": "registry.example.com/init"}]},
        "probes": {
            "containers": [
                {
                    **container,
                    "livenessProbe": {"httpGet": {"port": 80}},
                    "readinessProbe": {"tcpSocket": {"port": "http"}},
                }
            ]
        },
        "every kind of volume": {
            **POD,
            "volumes": [
                {"name": "a", "configMap": {"name": "x"}},
                {"name": "b", "secret": {"secretName": "x"}},
                {"name": "c", "hostPath": {"path": "/x"}},
                {"name": "d", "emptyDir": {}},
                {"name": "e", "downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            ],
        },
        "negative grace": {**POD, "terminationGracePeriodSeconds": -1},
        "false and zero": {
            **POD,
            "hostNetwork": False,
            "hostPID": False,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "priority": 0,
        },
    }
    for what, spec in pods.items():
        yield Ask(
            f"workload: pod with {what}",
            "POST",
            f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldManager=tester",
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}, "spec": spec},
        )
    one = f"/api/v1/namespaces/{namespace}/pods/changed"
    yield Ask(
        "workload: make a pod",
        "POST",
        f"/api/v1/namespaces/{namespace}/pods?fieldManager=tester",
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "changed"}, "spec": POD},
    )
    yield Ask(
        "workload: another image of a pod",
        "PATCH",
        f"{one}?dryRun=All",
        [{"op": "replace", "path": "/spec/containers/0/image", "value": "registry.example.com/app:2"}],
        JSON_PATCH,
    )
    yield Ask(
        "workload: another command of a pod",
        "PATCH",
        f"{one}?dryRun=All",
        [{"op": "add", "path": "/spec/containers/0/command", "value": ["x"]}],
        JSON_PATCH,
    )
    yield Ask(
        "workload: another container of a pod",
        "PATCH",
        f"{one}?dryRun=All",
        [{"op": "add", "path": "/spec/containers/-", "value": {"name": "b", "image": "b"}}],
        JSON_PATCH,
    )
    yield Ask(
        "workload: one toleration less", "PATCH", f"{one}?dryRun=All", {"spec": {"tolerations": None}}, MERGE_PATCH
    )
    yield Ask("workload: pod away", "DELETE", f"{one}?gracePeriodSeconds=0")
    services: dict[str, dict[str, Any]] = {
        "no ports": {"selector": {"a": "b"}},
        "headless": {"clusterIP": "None", "ports": [{"port": 80}]},
        "an external name": {"type": "ExternalName", "externalName": "example.com"},
        "a node port": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30999}]},
        "a node port out of range": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
        "an unknown type": {"type": "Nonsense", "ports": [{"port": 80}]},
        "two ports without names": {"ports": [{"port": 80}, {"port": 81}]},
        "a port out of range": {"ports": [{"port": 0}]},
        "an address out of range": {"clusterIP": "192.0.2.1", "ports": [{"port": 80}]},
        "an address that is none": {"clusterIP": "x", "ports": [{"port": 80}]},
        "a load balancer": {
            "type": "LoadBalancer",
            "ports": [{"port": 80, "nodePort": 30998}],
            "allocateLoadBalancerNodePorts": False,
        },
    }
    for what, spec in services.items():
        yield Ask(
            f"workload: service with {what}",
            "POST",
            f"/api/v1/namespaces/{namespace}/services?dryRun=All&fieldManager=tester",
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "odd"}, "spec": spec},
        )
    bound = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bound"},
        "roleRef": {"kind": "Role", "name": "a", "apiGroup": "rbac.authorization.k8s.io"},
    }
    yield Ask("workload: make a binding", "POST", bound, binding)
    yield Ask(
        "workload: another role of a binding",
        "PUT",
        f"{bound}/bound",
        {**binding, "roleRef": {**binding["roleRef"], "name": "b"}},
    )  # type: ignore[dict-item]
    yield Ask(
        "workload: subject of nonsense",
        "POST",
        f"{bound}?dryRun=All",
        {**binding, "metadata": {"name": "odd"}, "subjects": [{"kind": "Nonsense", "name": "x"}]},
    )
    yield Ask(
        "workload: role reference of nonsense",
        "POST",
        f"{bound}?dryRun=All",
        {
            **binding,
            "metadata": {"name": "odd"},
            "roleRef": {"kind": "Nonsense", "name": "x", "apiGroup": "rbac.authorization.k8s.io"},
        },
    )
    yield Ask(
        "workload: role without verbs",
        "POST",
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles?dryRun=All",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "odd"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": []}],
        },
    )


def _paths(namespace: str) -> Iterator[Ask]:
    paths = (
        "/", "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/api/v1", "/apis/rbac.authorization.k8s.io/v1", "/apis/coordination.k8s.io/v1", "/version", "/healthz", "/readyz", "/livez", "/apis/nonsense", "/apis/apps/v9", "/apis/nonsense/v1/things", "/api/v2", "/api/v2/pods", "/nonsense", "/api/v1/nonsense", "/api/v1/namespaces/{ns}/nonsense",
        "/api/v1/namespaces/{ns}/configmaps/a/nonsense", "/api/v1/namespaces/{ns}/pods/absent/log", "/api/v1/namespaces/{ns}/pods/absent/status", "/api/v1/namespaces/{ns}/pods/absent/nonsense", "/api/v1/namespaces/{ns}/nodes", "/api/v1/nodes/absent", "/api/v1/namespaces/absent", "/api/v1/namespaces/absent/pods", "/apis/apps/v1/deployments?limit=0&labelSelector=none", "/api/v1/namespaces/{ns}/", "/api/v1/configmaps/a",
        "/api/v1/namespaces/{ns}/serviceaccounts/default/token", "/apis/apps/v1/namespaces/{ns}/deployments/absent/scale", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/api//v1", "/api/v1/namespaces/{ns}//configmaps", "/api/v1/namespaces/{ns}/bindings", "/api/v1/componentstatuses/absent",
    )  # fmt: skip
    for path in paths:
        yield Ask(f"path: GET {path}", "GET", path.replace("{ns}", namespace))
    for method, path in (("HEAD", "/api/v1"), ("OPTIONS", "/api/v1"), ("HEAD", "/api/v1/namespaces/{ns}/configmaps"), ("HEAD", "/api/v1/namespaces/{ns}/configmaps/absent"), ("OPTIONS", "/api/v1/namespaces/{ns}/configmaps"), ("POST", "/api/v1/namespaces/{ns}/configmaps/a"), ("POST", "/version"), ("DELETE", "/api/v1"), ("PUT", "/api/v1/namespaces/{ns}/configmaps"), ("DELETE", "/api/v1/namespaces"), ("NONSENSE", "/api/v1/namespaces/{ns}/configmaps"), ("POST", "/apis/authorization.k8s.io/v1/nonsense"), ("GET", "/apis/authentication.k8s.io/v1/selfsubjectreviews"), ("PATCH", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")):  # fmt: skip
        body = {} if method in {"POST", "PUT", "PATCH"} else None
        yield Ask(f"path: {method} {path}", method, path.replace("{ns}", namespace), body)
    accepts = (
        "*/*",
        "application/*",
        "text/html",
        "application/yaml",
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v9;g=meta.k8s.io",
        "application/json;as=Nonsense;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
        "text/html,*/*",
        "application/xml,application/json",
        "application/json;q=0.5",
    )
    for accept in accepts:
        yield Ask(
            f"path: Accept {accept}",
            "GET",
            f"/api/v1/namespaces/{namespace}/configmaps?labelSelector=none",
            headers={"Accept": accept},
        )


def _options(namespace: str) -> Iterator[Ask]:
    maps = _maps(namespace)
    for query in (
        "dryRun=Nonsense",
        "dryRun=",
        "dryRun=All&dryRun=All",
        "fieldManager=" + "m" * 129,
        "fieldManager=",
        "fieldManager=%07",
        "pretty=true",
        "nonsense=1",
    ):
        yield Ask(f"option: create with {query[:40]}", "POST", f"{maps}?{query}", _map("optional"))
        yield Ask(f"option: read after {query[:40]}", "GET", f"{maps}/optional")
        yield Ask(f"option: away after {query[:40]}", "DELETE", f"{maps}/optional")
    reviews = "/apis/authorization.k8s.io/v1"
    for plural, spec in (
        ("selfsubjectaccessreviews", {"resourceAttributes": {"verb": "get", "resource": "pods"}}),
        ("selfsubjectaccessreviews", {"nonResourceAttributes": {"verb": "get", "path": "/"}}),
        ("selfsubjectaccessreviews", {}),
        ("subjectaccessreviews", {"user": "nobody", "resourceAttributes": {"verb": "get", "resource": "pods"}}),
        ("subjectaccessreviews", {"resourceAttributes": {"verb": "get", "resource": "pods"}}),
    ):
        kind = {"selfsubjectaccessreviews": "SelfSubjectAccessReview", "subjectaccessreviews": "SubjectAccessReview"}[
            plural
        ]
        yield Ask(
            f"option: {kind} of {sorted(spec)}",
            "POST",
            f"{reviews}/{plural}",
            {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec},
        )
    yield Ask(
        "option: who am I",
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    yield Ask(
        "option: scale of nothing",
        "PUT",
        f"/apis/apps/v1/namespaces/{namespace}/deployments/absent/scale",
        {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "absent"}, "spec": {"replicas": 1}},
    )
    yield Ask(
        "option: impersonate", "GET", f"{maps}?labelSelector=none", headers={"Impersonate-User": "somebody@example.com"}
    )
    yield Ask(
        "option: impersonate and write",
        "POST",
        maps,
        _map("optional"),
        headers={"Impersonate-User": "somebody@example.com"},
    )
    yield Ask(
        "option: impersonate and read one",
        "GET",
        f"{maps}/optional",
        headers={"Impersonate-User": "somebody@example.com"},
    )
    yield Ask("option: impersonate a group only", "GET", maps, headers={"Impersonate-Group": "g"})
