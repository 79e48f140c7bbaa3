"""Facts about the pods and service accounts of a namespace."""

from __future__ import annotations

from dataclasses import dataclass

from remediation.facts import Facts
from remediation.facts.kubernetes import ObjectNamed, ObjectsOf
from remediation.facts.pods import carries, live_pods
from remediation.model import Permission


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
        """List service accounts and pods of the namespace, and get the Secret."""
        named = ObjectNamed("v1", "Secret", self.secret, self.namespace)
        return (*named.permissions, *(right for source in self._sources for right in source.permissions))

    def ask(self, facts: Facts) -> tuple[str, ...]:
        """Return their addresses; nobody can use a secret that does not exist."""
        if facts(ObjectNamed("v1", "Secret", self.secret, self.namespace)) is None:
            return ()
        accounts, pods = facts.together(*self._sources)
        others = [item for item in accounts if item["metadata"]["name"] != self.service_account]
        users = [
            f"serviceaccount/{item['metadata']['name']}"
            for item in others
            if {"name": self.secret} in (item.get("imagePullSecrets") or [])
        ]
        foreign = [pod for pod in pods if pod["spec"].get("serviceAccountName", "default") != self.service_account]
        return (*users, *(f"pod/{pod['metadata']['name']}" for pod in foreign if carries(pod, self.secret)))
