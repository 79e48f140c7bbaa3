"""Who in a cluster cannot pull from where, and why."""

from __future__ import annotations

from dataclasses import dataclass

from remediation.model.diffing import State
from remediation.model.errors import Forbidden
from remediation.model.facts import Facts
from remediation.model.pull_failures import PullFailure, classify_pull_failure, missing_secrets
from remediation.model.rights import Permission
from remediation.providers.kubernetes.facts import ObjectsOf
from remediation.providers.kubernetes.kubelet_events import KUBELET_EVENT_FIELDS, kubelet_reports
from remediation.providers.kubernetes.pod_images import hosts, pull_failures
from remediation.providers.kubernetes.pods import live_pods

# What credentials can repair.
CREDENTIALS = (PullFailure.FORBIDDEN, PullFailure.UNAUTHORIZED, PullFailure.SECRET_MISSING)


@dataclass(frozen=True)
class FailedPull:
    """Pods of one service account that cannot pull from one registry: one of them, what it says, and what that means.

    `missing` is the pull secret that the kubelet did not find, if it said so; `pods` are all of them.
    """

    namespace: str
    service_account: str
    host: str
    pod: str
    messages: tuple[str, ...]
    kind: PullFailure
    missing: str = ""
    pods: tuple[State, ...] = ()


@dataclass(frozen=True)
class FailedPulls:
    """Who in the cluster cannot pull from where, and why."""

    # The events of every namespace where a pod waits and nothing else says why.
    permissions = (*live_pods().permissions, Permission("list", "events"))

    def ask(self, facts: Facts) -> tuple[FailedPull, ...]:
        """Sort the pods that wait for an image by namespace, service account and registry."""
        found: dict[tuple[str, str, str], list[State]] = {}
        for pod in facts(live_pods()):
            account = pod["spec"].get("serviceAccountName", "default")
            for host in sorted(hosts(pod)):
                if pull_failures(pod, host):
                    found.setdefault((pod["metadata"]["namespace"], account, host), []).append(pod)
        return tuple(self._failed(facts, *key, pods) for key, pods in found.items())

    def _failed(self, facts: Facts, namespace: str, account: str, host: str, pods: list[State]) -> FailedPull:
        texts = [text for pod in pods for text in pull_failures(pod, host)]
        if (kind := _kind(texts)) is PullFailure.UNKNOWN or kind in CREDENTIALS:
            texts, kind = self._explained(facts, namespace, pods, texts)
        telling = tuple(dict.fromkeys(text for text in texts if classify_pull_failure(text) is kind))
        missing = next((name for text in telling for name in missing_secrets(text)), "")
        return FailedPull(
            namespace, account, host, pods[0]["metadata"]["name"], telling[:2], kind, missing, tuple(pods)
        )

    def _explained(
        self, facts: Facts, namespace: str, pods: list[State], texts: list[str]
    ) -> tuple[list[str], PullFailure]:
        """Return what events add: a secret that is missing explains a refusal, and older kubelets tell nothing else."""
        told = [f"{report.origin}: {report.message}" for report in kubelet_reports(facts(PullEvents(namespace)), pods)]
        if any(classify_pull_failure(text) is PullFailure.SECRET_MISSING for text in told):
            return [*texts, *told], PullFailure.SECRET_MISSING
        texts = (told or texts) if _kind(texts) is PullFailure.UNKNOWN else texts
        return texts, _kind(texts)


def _kind(texts: list[str]) -> PullFailure:
    """Return what stands in the way: what credentials can repair, else what is known."""
    kinds = [classify_pull_failure(text) for text in texts]
    known = [kind for kind in kinds if kind is not PullFailure.UNKNOWN]
    return next((kind for kind in known if kind in CREDENTIALS), known[0] if known else PullFailure.UNKNOWN)


@dataclass(frozen=True)
class PullEvents:
    """Events that tell of pulls that failed in a namespace; nothing when forbidden. Who wrote them, `kubelet_reports` looks at."""

    namespace: str

    @property
    def _events(self) -> tuple[ObjectsOf, ...]:
        # A field selector knows no "or".
        return tuple(
            ObjectsOf(
                "v1",
                "Event",
                self.namespace,
                fields=f"reason={reason},involvedObject.kind=Pod",
                keep=KUBELET_EVENT_FIELDS,
            )
            for reason in ("Failed", "FailedToRetrieveImagePullSecret")
        )

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List the events of the namespace."""
        return self._events[0].permissions

    def ask(self, facts: Facts) -> tuple[State, ...]:
        """List them; this is evidence only, so a refusal is an answer."""
        try:
            found = facts.together(*self._events)
        except Forbidden:
            return ()
        return tuple(event for events in found for event in events)
