"""Checks on pods: is the symptom that people saw gone?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from remediation.diffing import State
from remediation.errors import NotFound
from remediation.facts.pods import carries, created, pull_failures, pulls_from, started
from remediation.model import CheckDefaults, Permission, Verdict
from remediation.records import recorded
from remediation.refs import Ref


@recorded
@dataclass(frozen=True)
class PodsPull(CheckDefaults):
    """Pods that were made after the pull secret and carry it have pulled from the registry, and none fails to.

    A pod that was there before proves nothing: service accounts give their secrets only to new pods.
    """

    namespace: str
    service_account: str
    host: str
    secret: str

    # Where no pod uses the registry there is nothing to prove it with; that is said, and is no failure.
    required: ClassVar[bool] = False

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"pods of {self.namespace}/{self.service_account} pull from {self.host} with secret {self.secret}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get the Secret, list and watch the pods of the namespace."""
        pods = tuple(Permission(verb, "pods", "", self.namespace) for verb in ("list", "watch"))
        return (*pods, Permission("get", "secrets", "", self.namespace, self.secret))

    def ask(self, api: Any) -> Verdict:
        """Look at every pod of the service account that uses the registry."""
        pods = [pod for pod in api.kubernetes.list(Ref("v1", "Pod", "", self.namespace)) if self._concerns(pod)]
        failing = [pod for pod in pods if pull_failures(pod, self.host)]
        if failing:
            return Verdict(
                "failing", f"{len(failing)} of {len(pods)} pods cannot pull, such as {failing[0]['metadata']['name']}"
            )
        made = self._made(api)
        if made is None:
            return Verdict("failing", f"secret {self.secret} does not exist")
        newer = [pod for pod in pods if carries(pod, self.secret) and created(pod) >= made]
        if not newer:
            text = "no pod that was made after the secret carries it yet; start one, or restart the workload"
            return Verdict("unknown", text, final=not pods)
        return self._started(newer)

    def _made(self, api: Any) -> float | None:
        try:
            return created(api.kubernetes.read(Ref("v1", "Secret", self.secret, self.namespace)))
        except NotFound:
            return None

    def _started(self, pods: list[State]) -> Verdict:
        running = [pod for pod in pods if started(pod)]
        if len(running) < len(pods):
            return Verdict("failing", f"{len(running)} of {len(pods)} pods with the secret have started")
        text = f"{len(running)} pods with the secret, made after it, have started; a node may have had the image"
        return Verdict("ok", text)

    def _concerns(self, pod: State) -> bool:
        account = pod["spec"].get("serviceAccountName", "default")
        return (
            account == self.service_account
            and pulls_from(pod, self.host)
            and "deletionTimestamp" not in pod["metadata"]
        )

    def moments(self, api: Any, within: float) -> Iterator[None]:
        """Yield at every change of a pod."""
        return api.kubernetes.changes(Ref("v1", "Pod", "", self.namespace), within)  # type: ignore[no-any-return] # the API is untyped here
