"""An emulated cluster and cloud that can be set back, and programs that run verbs on them and are stopped."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Literal

from remediation.catalogue.scenarios import load
from remediation.testing.planted import assert_no_secret
from remediation.testing.worlds import EmulatedWorld
from runbook_sandbox.kubernetes import Fault
from runbook_sandbox.places import PULLER
from tests.running import RUNBOOK, content, google_env

_KINDS = ("configmaps", "daemonsets.apps", "nodes", "secrets", "serviceaccounts")


# Whoever runs the tests in the background, or with nohup, has switched signals off for them and all their children.
_ON = """import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, ())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])"""
WITH_SIGNALS = (sys.executable, "-c", _ON)


SCENARIOS = load()


class World(EmulatedWorld):
    """An emulated cluster and cloud that can be set back, and the program that is killed on them."""

    def runbook(self, store: str, *words: str, **how: Any) -> dict[str, Any]:
        """Run a verb in a process of its own, kill or stop it at a point, or give it a clock of its own."""
        where = ("--kubeconfig", str(self.kubeconfig), "--context", "sandbox", "--project", "example-prod")
        answer = self.program.run(*words, "--store", store, *where, "-o", "json", **({"env": self.env} | how))
        assert_no_secret(" ".join(words), answer["text"], Path(store))
        return answer

    def state(self) -> dict[str, Any]:
        """Return everything that a run may change; names that differ from run to run are taken out."""
        found: dict[str, Any] = {
            "policy": self.cloud.projects["example-prod"].box.policy["bindings"],
            "keys": sorted(self.cloud.accounts[PULLER].keys),
        }
        for kind in _KINDS:
            for item in self.cluster.store.list(kind):
                shown = content(item)
                # What the node's disk holds is no part of a plan.
                for note in ("runbook/run", "sandbox.runbook/leaked"):
                    shown["metadata"]["annotations"].pop(note, None)
                found[f"{kind}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"] = shown
        return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    """A made key differs each time: compare how many there are, and that the Secret holds the one that exists."""
    secret = state.get("secrets/shop/web-registry")
    if secret:
        text = base64.b64decode(secret["data"][".dockerconfigjson"]).decode()
        secret["data"] = {
            "holds an existing key": any(name in text for name in state["keys"]) or "0123456789abcdef" in text
        }
        notes = secret["metadata"]["annotations"]
        if "runbook/key-id" in notes:
            notes["runbook/key-id"] = "is of that key" if notes["runbook/key-id"] in text else "is of another key"
    return {**state, "keys": len(state["keys"])}


class Held:
    """Hold up the first request that writes to a path, for some seconds or until it is let go, and tell when it has come."""

    def __init__(
        self, world: World, method: str, path: str, seconds: float, close: Literal["", "before", "after"] = ""
    ) -> None:
        self.came, self.let_go = threading.Event(), threading.Event()
        self._method, self._path = method, path
        self._seconds, self._close = seconds, close
        world.cluster.faults = self._fault

    def _fault(self, method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        del headers, body
        if method == self._method and path.endswith(self._path) and "dryRun" not in query and not self.came.is_set():
            self.came.set()
            self.let_go.wait(self._seconds)
            return Fault(close=self._close)
        return None


def start(world: World, tmp_path: Path, *words: str, store: str = "journal.db") -> subprocess.Popen[str]:
    env = google_env(world.google, world.folder)
    where = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--project", "example-prod")
    return subprocess.Popen(
        [*WITH_SIGNALS, str(RUNBOOK), *words, *where, "--store", str(tmp_path / store), "-o", "json"],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert_no_secret("an interrupted run", out + err, Path(process.args[-3]))  # type: ignore[arg-type, index] # words
    document: dict[str, Any] = json.loads(out) if out else {}
    return document | {"code": process.returncode, "stderr": err}


def break_(world: World, name: str) -> Any:
    SCENARIOS[name].breaks(world)
    world.cluster.settle()
    return comparable(world.state())
