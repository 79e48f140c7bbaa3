"""An emulated cluster with an ip-masq-agent, for the tests of what that does and says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from remediation.catalogue.manifests import manifest
from runbook_sandbox.kubernetes import Cluster, Server
from runbook_sandbox.nodes.rules import install
from tests.running import Cli

PLACE = ("--project", "example-prod", "--location", "europe-west3", "--cluster", "other")


class World:
    """An emulated cluster with an ip-masq-agent, and the command line on it."""

    def __init__(self, folder: Path, cluster: Cluster, server: Server, env: dict[str, str]) -> None:
        self.cluster, self.agents = cluster, install(cluster)
        path = folder / "kubeconfig"
        path.write_text(json.dumps(server.kubeconfig()))
        self.cli = Cli(folder, "--kubeconfig", str(path), "--context", "sandbox", env=env)

    def put(self, text: str | None, key: str = "config", *arguments: str, daemonset: bool = True, **spec: Any) -> None:
        """Put the agent in place, with more arguments and other fields of its DaemonSet's spec."""
        metadata = {"name": "ip-masq-agent", "namespace": "kube-system"}
        if text is not None:
            self.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: text}})
        if daemonset:
            self._start(arguments, spec)
        self.cluster.settle()

    def _start(self, arguments: tuple[str, ...], spec: dict[str, Any]) -> None:
        daemonset = manifest("runbooks.ip_masq_agent.runbook", "daemonset.yaml")
        daemonset["spec"]["template"]["spec"]["containers"][0]["args"] += arguments
        daemonset["spec"] |= spec
        self.cluster.create(daemonset)

    def text(self) -> Any:
        found = self.cluster.get("configmaps", "ip-masq-agent", "kube-system") or {}
        return found.get("data", {}).get("config")

    def refused(self, *words: str) -> dict[str, Any]:
        """Run, expect a refusal that changes nothing, and return the error."""
        before = self.text()
        done = self.cli("run", "ip-masq-agent", *words, "--yes").expect(3)
        assert self.text() == before
        leases = self.cluster.store.list("leases.coordination.k8s.io")
        assert not [item for item in leases if item["metadata"]["name"].startswith("runbook")]
        error: dict[str, Any] = done.json["error"]
        return error

    def unchecked(self, *words: str) -> dict[str, str]:
        checks = self.cli("plan", "ip-masq-agent", *words).expect(0).json["plan"]["checks"]
        return {item["check"]: item["detail"] for item in checks if item["status"] != "planned"}

    def finding(self, *words: str) -> Any:
        return self.cli("diagnose", "ip-masq-agent", *words).expect(0).json["findings"][0]
