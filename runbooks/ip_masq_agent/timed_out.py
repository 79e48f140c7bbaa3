"""Destinations that pods could not reach in time."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from remediation import (
    KUBELET_EVENT_FIELDS,
    Facts,
    KubeletReport,
    Network,
    ObjectsOf,
    Permission,
    event_text,
    kubelet_reports,
    live_pods,
    networks,
)

_TIMED_OUT = re.compile(r"dial tcp (?:\[?([0-9a-fA-F.:]+?)\]?):\d+: (?:i/o timeout|connect: connection timed out)")


@dataclass(frozen=True)
class TimedOut:
    """An address that pods could not reach in time, and the reports that say so, newest first."""

    destination: Network
    told: tuple[KubeletReport, ...]


@dataclass(frozen=True)
class TimedOutDestinations:
    """Addresses that pods could not reach in time, from the failed probes that kubelets tell of.

    Those come first that are told of in most namespaces, then by most pods: somebody with rights in one namespace
    cannot put an address of their own before one that others miss too. Pods of the host network are left out, because
    their packets have the node's address whatever the agent does. `kubelet_reports` says what events prove.
    """

    events = ObjectsOf("v1", "Event", fields="reason=Unhealthy", keep=KUBELET_EVENT_FIELDS)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List events, and the pods that they are about."""
        return (*self.events.permissions, *live_pods().permissions)

    def ask(self, facts: Facts) -> tuple[TimedOut, ...]:
        """Find the addresses in the texts of the events; the pods are listed only where there are some."""
        events = [event for event in facts(self.events) if _TIMED_OUT.search(event_text(event))]
        pods = [pod for pod in facts(live_pods()) if not pod["spec"].get("hostNetwork")] if events else []
        found: dict[Network, list[KubeletReport]] = defaultdict(list)
        for report in sorted(kubelet_reports(events, pods), key=lambda item: item.time, reverse=True):
            match = _TIMED_OUT.search(report.message)
            for destination in networks((match[1],) if match else ()):
                found[destination].append(report)
        every = [TimedOut(address, tuple(told)) for address, told in found.items()]
        return tuple(sorted(every, key=_weight))


def _weight(item: TimedOut) -> tuple[int, int, int, int]:
    spaces, pods = ({getattr(report, name) for report in item.told} for name in ("namespace", "uid"))
    return -len(spaces), -len(pods), item.destination.version, int(item.destination.network_address)
