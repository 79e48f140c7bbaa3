"""Faults to rehearse on: each shows the real symptom, and the runbook of its name really heals it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remediation.model.commands import command
from remediation.model.errors import UsageProblem

if TYPE_CHECKING:
    from remediation.providers.kubernetes.client import KubernetesClient


@dataclass(frozen=True)
class Scenario:
    """A fault: what is broken then, the command that fixes it, and how it is put in place."""

    summary: str
    fix: str
    put: Callable[[KubernetesClient, Any, bool], None]


def _agent(client: KubernetesClient, sandbox: Any, real: bool) -> None:
    sandbox.tell("break-agent")


def _in_cluster(name: str) -> Callable[[KubernetesClient, Any, bool], None]:
    """Return a fault of the cluster; how it is made is imported when it is, for a list needs only names."""

    def put(client: KubernetesClient, sandbox: Any, real: bool) -> None:
        from remediation.scenarios import cluster  # noqa: PLC0415

        getattr(cluster, name)(client, sandbox, real)

    return put


SCENARIOS = {
    "container-service-agent": Scenario(
        "the GKE service agent has lost its role; a cluster update failed with DeployPatch failed",
        "runbook run container-service-agent",
        _agent,
    ),
    "ip-masq-agent": Scenario(
        "pods cannot reach 10.1.125.70: the agent keeps their address for all of 10.0.0.0/8",
        "runbook run ip-masq-agent --masquerade 10.1.0.0/16",
        _in_cluster("break_masquerade"),
    ),
    "ip-masq-agent-broken": Scenario(
        "ip-masq-agent rejects its configuration: resyncInterval has no unit",
        "runbook run ip-masq-agent",
        _in_cluster("break_config"),
    ),
    "ip-masq-agent-missing": Scenario(
        "pods cannot reach 10.1.125.70: no agent runs, so nodes keep their address for every private range",
        "runbook run ip-masq-agent --masquerade 10.1.0.0/16 --deploy-agent",
        _in_cluster("miss_agent"),
    ),
    "ipam-cleanup": Scenario(
        "pods on node-2 get no address although few pods run there: reservations leaked",
        "runbook run ipam-cleanup --node node-2",
        _in_cluster("leak_addresses"),
    ),
    "pull-secret": Scenario(
        "pods of shop/web are in ImagePullBackOff: the registry does not know them",
        "runbook run pull-secret --namespace shop --service-account web --registry {host} --google-service-account {puller}",
        _in_cluster("forbid_pulls"),
    ),
}


def find(name: str) -> Scenario:
    """Return a scenario; raises UsageProblem with near names."""
    if name not in SCENARIOS:
        near = difflib.get_close_matches(name, SCENARIOS, n=2, cutoff=0.4)
        every = [*near, *(other for other in SCENARIOS if other not in near)]
        raise UsageProblem(
            f"there is no scenario {name!r}; allowed: {', '.join(every)}", next=command("runbook", "sandbox", "break")
        )
    return SCENARIOS[name]
