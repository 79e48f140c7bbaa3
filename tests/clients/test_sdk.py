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


AT_ONCE = """
import threading
from remediation.providers.kubernetes import sdk
found, ready = [], threading.Barrier(6)
def load(): ready.wait(); found.append(sdk.kube_config().KubeConfigLoader)
def other(): ready.wait(); from google.auth.transport.requests import AuthorizedSession; found.append(AuthorizedSession)
threads = [threading.Thread(target=what) for what in (load, load, load, other, other)]
[thread.start() for thread in threads]
ready.wait()
[thread.join() for thread in threads]
print(sorted({item.__name__ for item in found}), len(found))
"""


def test_runs_that_begin_at_once_import_it_once() -> None:
    """Several runs of one process, and one that needs Google's client meanwhile: each gets the real thing."""
    assert run(AT_ONCE) == "['AuthorizedSession', 'KubeConfigLoader'] 5"


IN_THE_MIDDLE = """
import sys
from remediation.providers.kubernetes import sdk
with sdk._standing_in(sdk._DEFERRED):
    from google.auth.transport.requests import AuthorizedSession
    assert isinstance(AuthorizedSession, type), AuthorizedSession
from google.auth.transport.requests import AuthorizedSession as later
assert later is AuthorizedSession
"""


def test_whoever_imports_a_deferred_module_meanwhile_gets_the_real_one() -> None:
    """A stand-in stands for a moment where every thread looks."""
    run(IN_THE_MIDDLE)
