"""Every value that a server holds can be tested, patched and undone; asked of the emulation and of a real kube-apiserver."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from remediation.model.changes import Change
from remediation.model.refs import Ref
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.providers.kubernetes.go_json import encoded
from remediation.providers.kubernetes.objects import KubernetesObject, stable
from runbook_sandbox.kubernetes import Cluster, serve

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
VALUES = st.dictionaries(st.from_regex(r"\A[-._a-z0-9]{1,20}\Z").filter(lambda key: key not in (".", "..")), TEXT, max_size=4)  # fmt: skip
ODD = "ü — & < > \u2028\u2029\ufeff \x00\x01\b\t\n\f\r\x1f\x7f\x80\x85 \"\\/' \ud7ff\ue000\ufffe\uffff 😀\U0010ffff"


@pytest.fixture(params=["emulated", "real"], scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesClient]:
    """Each test runs twice."""
    if request.param == "real":
        plane = request.getfixturevalue("control_plane")
        yield KubernetesClient(configurations.load(str(plane.kubeconfig_path), None)[0])
        return
    path: Path = tmp_path_factory.mktemp("emulated") / "kubeconfig"
    with Cluster(nodes=1) as cluster, serve(cluster) as running:
        path.write_text(json.dumps(running.kubeconfig()))
        yield KubernetesClient(configurations.load(str(path), None)[0])


def _config_map(client: KubernetesClient, **fields: Any) -> Ref:
    ref = Ref("v1", "ConfigMap", f"c-{uuid.uuid4().hex[:12]}", "default")
    client.create(ref, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name}} | fields)
    return ref


@settings(max_examples=40)
@given(before=VALUES, after=VALUES, note=TEXT)
@example(before={"a": ODD, "b": "kept"}, after={"a": ODD[::-1]}, note=ODD)
@example(before={"config": "a & ü"}, after={"config": "a & ü — <b>"}, note="\ufeff")
def test_any_text_of_a_config_map_is_patched_and_undone(
    client: KubernetesClient, before: dict[str, str], after: dict[str, str], note: str
) -> None:
    """Preview, write and undo meet the value as the server holds it, whatever it is made of."""
    name, api = f"p-{uuid.uuid4().hex[:12]}", SimpleNamespace(kubernetes=client)
    thing = KubernetesObject("v1", "ConfigMap", name, "default")
    made = stable(
        client.create(
            thing.ref,
            {"apiVersion": "v1", "kind": "ConfigMap", "data": before,
             "metadata": {"name": name, "namespace": "default", "annotations": {"note": note}}},
        )
    )  # fmt: skip
    wanted = {key: value for key, value in made.items() if key != "data"} | ({"data": after} if after else {})
    wanted["metadata"] = made["metadata"] | {"annotations": {"note": note + "."}}
    change = Change.between(thing.address, made, wanted)
    thing.preview(api, change)
    assert thing.write(api, change, "run").after == wanted
    thing.write(api, change.reverse(), "run")
    assert stable(client.read(thing.ref)) == made


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@example(1.0)
@example(1e-7)
@example(1.5e-6)
@example(1e21)
@example(-5e-324)
@example(-0.0)
@example(1.2345678901234567e19)
def test_numbers_are_read_back_as_they_were(value: float) -> None:
    """Whatever way a number is written, it stays that number."""
    assert json.loads(encoded([value]), parse_int=float) == [value]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1e-7, "1e-7"), (1.5e-6, "0.0000015"), (1e21, "1e+21"), (1e300, "1e+300"), (-0.0, "0"), (0.1, "0.1"),
     (1.2345678901234567e19, "12345678901234567000"), (1e20, "100000000000000000000"), (5e-324, "5e-324"),
     (True, "true"), (None, "null"), (2**63 - 1, "9223372036854775807")],
)  # fmt: skip
def test_numbers_are_written_as_a_server_writes_them(value: Any, text: str) -> None:
    """These are the bytes that a kube-apiserver answers with for a field of an object without a schema."""
    assert encoded({"v": value}) == f'{{"v":{text}}}'.encode()


def test_half_a_character_is_sent_as_its_replacement() -> None:
    """A byte of the command line that is no UTF-8 must not end a run as a bug."""
    assert encoded({"a": "x\udcff"}) == '{"a":"x\ufffd"}'.encode()


# A document's data, a patch of it as bytes, and the status that a kube-apiserver answers with.
PATCHES = [
    ('{"k":"a & ü"}', '[{"op":"test","path":"/data/k","value":"a \\u0026 ü"}]', 200),
    ('{"k":"a & ü"}', '[{"op":"test","path":"/data/k","value":"a & ü"}]', 422),
    ('{"k":"a & ü"}', '[{"op":"test","path":"/data/k","value":"a \\u0026 \\u00fc"}]', 422),
    ('{"k":"a & ü"}', '[{"op":"test","path":"/data","value":{"k":"a & ü"}}]', 422),
    ('{"k":"a & ü","j":"x"}', '[{"op":"test","path":"/data","value":{ "k" : "a \\u0026 ü", "j": "x"}}]', 200),
    ('{"k":"<>"}', '[{"op":"test","path":"/data/k","value":"\\u003c\\u003e"}]', 200),
    ('{"k":"<>"}', '[{"op":"test","path":"/data/k","value":"\\u003C\\u003E"}]', 422),
    ('{"k":"\\u2028"}', '[{"op":"test","path":"/data/k","value":"\\u2028"}]', 200),
    ('{"k":"\\u2028"}', '[{"op":"test","path":"/data/k","value":"\u2028"}]', 422),
    ('{"k":"\\b\\f"}', '[{"op":"test","path":"/data/k","value":"\\b\\f"}]', 200),
    ('{"k":"\\b"}', '[{"op":"test","path":"/data/k","value":"\\u0008"}]', 422),
    ('{"k":"\\u007f"}', '[{"op":"test","path":"/data/k","value":"\\u007f"}]', 422),
    ('{"k":"/"}', '[{"op":"test","path":"/data/k","value":"\\/"}]', 422),
    ('{"k":"\ufeff"}', '[{"op":"test","path":"/data/k","value":"\ufeff"}]', 200),
    ('{"k":"\\ud83d\\ude00"}', '[{"op":"test","path":"/data/k","value":"\\ud83d\\ude00"}]', 422),
    ('{"k":"\\ud83d\\ude00"}', '[{"op":"test","path":"/data/k","value":"\U0001f600"}]', 200),
    ('{"k":"\\ud800"}', '[{"op":"test","path":"/data/k","value":"\ufffd"}]', 200),
    ('{"k":"\\ud800"}', '[{"op":"test","path":"/data/k","value":"\\ud800"}]', 422),
    ('{"k":"1"}', '[{"op":"test","path":"/data/k","value":1}]', 422),
    ('{"k":"x"}', '[{"op":"test","path":"/data/other","value":null}]', 200),
    ('{"k":"x"}', '[{"op":"test","path":"/data/other"}]', 200),
    ('{"k":"x"}', '[{"op":"test","path":"/data/other/deeper","value":null}]', 422),
    ('{"k":"x"}', '[{"op":"test","path":"/data/k/deeper","value":null}]', 422),
    ('{"k":"x"}', '[{"op":"test","path":"/metadata/ownerReferences/0","value":null}]', 422),
    ('{"k":"x"}', '[{"op":"test","path":"/data","value":{"k":"x","other":null}}]', 422),
    ('{"k":"x"}', '[{"op":"test","path":"/data","value":[]}]', 422),
    ('{"k":"x"}', '[{"op":"test","path":"/data","value":null}]', 422),
    ('{"k":"x"}', '[{"op":"replace","path":"/data/k","value":"&"},{"op":"test","path":"/data/k","value":"&"}]', 200),
    ('{"k":"x"}', '[{"op":"replace","path":"/data/k","value":"&"},{"op":"test","path":"/data/k","value":"\\u0026"}]', 422),
]  # fmt: skip


@pytest.mark.parametrize(("data", "patch", "code"), PATCHES)
def test_a_test_compares_bytes(client: KubernetesClient, data: str, patch: str, code: int) -> None:
    """The emulation refuses exactly what the real server refuses."""
    ref = _config_map(client, data=json.loads(data))
    pool, headers = client._connection._pool, {"Content-Type": "application/json-patch+json"}
    answer = pool.request("PATCH", client.server + ref.path, body=patch.encode(),
                          headers=headers | client._connection._credentials())  # fmt: skip
    assert answer.status == code, answer.data
