"""Who uses a pull secret."""

from __future__ import annotations

import time
from dataclasses import dataclass

from remediation import Api, Facts, ObjectsOf, Permission, Ref, live_pods

from ..pods.status import carries

_DETACH_SECONDS = 10.0


@dataclass(frozen=True)
class Elsewhere:
    """Who else uses a pull secret: other service accounts, and pods that do not get it from ours."""

    namespace: str
    secret: str
    service_account: str

    @property
    def _sources(self) -> tuple[ObjectsOf, ObjectsOf]:
        return ObjectsOf("v1", "ServiceAccount", self.namespace), live_pods(self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List service accounts and pods of the namespace."""
        return tuple(right for source in self._sources for right in source.permissions)

    def ask(self, facts: Facts) -> tuple[str, ...]:
        """Return their addresses; who names a secret that does not exist yet would get it."""
        accounts, pods = facts.together(*self._sources)
        others = [item for item in accounts if item["metadata"]["name"] != self.service_account]
        users = [
            f"serviceaccount/{item['metadata']['name']}"
            for item in others
            if {"name": self.secret} in (item.get("imagePullSecrets") or [])
        ]
        foreign = [pod for pod in pods if pod["spec"].get("serviceAccountName", "default") != self.service_account]
        return (*users, *(f"pod/{pod['metadata']['name']}" for pod in foreign if carries(pod, self.secret)))


def wait_until_unused(api: Api, secret: Ref) -> None:
    """Give pods that are just being created a moment: after detaching, no new pod names the Secret."""
    deadline = time.monotonic() + _DETACH_SECONDS
    while time.monotonic() < deadline and _starting(api, secret):
        api.stop.wait(0.5)


def _starting(api: Api, secret: Ref) -> bool:
    pods = api.kubernetes.list(Ref("v1", "Pod", "", secret.namespace), fields="status.phase=Pending")
    return any({"name": secret.name} in (pod["spec"].get("imagePullSecrets") or []) for pod in pods)
