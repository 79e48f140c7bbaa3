"""The official client is loaded without what costs most, and is whole afterwards."""

from __future__ import annotations

import subprocess
import sys

LOADS = """
import sys
from remediation.providers.kubernetes.sdk import kube_config
kube_config()
print([name for name in ("pydantic", "requests", "kubernetes.dynamic", "websocket") if name in sys.modules])
"""
WHOLE = """
import kubernetes.client, kubernetes.dynamic, kubernetes.stream, kubernetes.watch
assert kubernetes.client.ApiClient is kubernetes.client.api_client.ApiClient
assert isinstance(kubernetes.client.CoreV1Api, type) and isinstance(kubernetes.dynamic.DynamicClient, type)
assert isinstance(kubernetes.watch.Watch, type) and callable(kubernetes.stream.stream)
"""


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_what_a_small_run_does_not_need_is_not_loaded() -> None:
    """A third of the time of a run went into libraries that it never called."""
    assert run(LOADS) == "[]"


def test_afterwards_everything_is_the_real_thing() -> None:
    """Other code of the same process finds the client as it is."""
    run(LOADS + WHOLE)
