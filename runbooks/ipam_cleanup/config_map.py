"""The ConfigMap of the address cleaning: its script, and per node what must not be touched, read at the last moment."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import (
    KNOWN_AFTER_APPLY,
    Api,
    Change,
    Facts,
    KubernetesObject,
    Permission,
    State,
    live_pods,
    recorded,
    takes_pod_address,
)

_LIVE = "live-ips."


@recorded
@dataclass(frozen=True)
class CleanupConfig(KubernetesObject):
    """A ConfigMap whose ``live-ips.NODE`` keys are filled when it is written, after the nodes were cordoned."""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Those of the ConfigMap, and the pod list."""
        return (*super().permissions, Permission("list", "pods"))

    def _body(self, api: Api, change: Change, run_id: str) -> State:
        body = super()._body(api, change, run_id)
        for key in body["data"]:
            if key.startswith(_LIVE):
                body["data"][key] = _live(api, key.removeprefix(_LIVE))
        return body


def live_key(node: str) -> dict[str, str]:
    """Return the placeholder for the addresses of a node's pods."""
    return {_LIVE + node: KNOWN_AFTER_APPLY}


def _live(api: Api, node: str) -> str:
    """Return the addresses of the pods on a node, one a line."""
    pods = Facts(api)(live_pods(node=node))
    return "".join(
        ip["ip"] + "\n" for pod in pods if takes_pod_address(pod) for ip in pod.get("status", {}).get("podIPs") or []
    )
