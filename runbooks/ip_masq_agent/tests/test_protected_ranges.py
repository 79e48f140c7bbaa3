"""What must keep seeing pod addresses, and whether a DaemonSet is rolled out."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from remediation.model.ranges import Network
from remediation.providers.kubernetes.rollouts import rollout
from runbooks.ip_masq_agent.config import MasqueradeConfig
from runbooks.ip_masq_agent.protected import Protected


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


@pytest.mark.parametrize(
    ("before", "destination", "lost"),
    [
        (("10.8.0.0/16", "10.9.0.0/16"), "10.8.0.0/16", ["pod range 10.8.0.0/14"]),
        (("10.0.0.0/8",), "10.11.255.0/24", ["pod range 10.8.0.0/14"]),
        (("10.8.0.0/16", "10.20.0.0/16"), "10.20.0.0/16", []),
        (("10.8.0.0/16", "10.12.0.0/16"), "10.9.0.0/16", []),
        (("172.16.0.0/12",), "10.8.0.0/16", []),
    ],
)
def test_what_was_kept_of_a_range_has_to_be_kept(before: tuple[str, ...], destination: str, lost: list[str]) -> None:
    """Addresses are compared: a range that was only partly kept may not be cut further."""
    config = MasqueradeConfig(networks(*before), explicit=True)
    protected = Protected(networks("10.8.0.0/14"), (), ())
    assert protected.lost(config, config.without(networks(destination))) == lost


def test_a_daemonset_that_waits_for_deletion_never_rolls_by_itself() -> None:
    """Waiting for OnDelete is in vain, until somebody has deleted every old pod."""
    status = {"observedGeneration": 2, "desiredNumberScheduled": 3, "numberAvailable": 3, "updatedNumberScheduled": 1}
    spec = {"updateStrategy": {"type": "OnDelete"}}
    waits = rollout({"metadata": {"generation": 2}, "spec": spec, "status": status})
    assert (waits.status, waits.final) == ("failing", True)
    assert "2 of 3 pods" in waits.detail
    done = rollout({"metadata": {"generation": 2}, "spec": spec, "status": status | {"updatedNumberScheduled": 3}})
    assert done.status == "ok"
