"""Checks on pods: is the symptom that people saw gone?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from remediation import (
    Api,
    CheckDefaults,
    Facts,
    NotFound,
    Permission,
    Ref,
    State,
    Verdict,
    controller_of,
    few,
    has_started,
    name_of,
    pull_failures,
    recorded,
)

from .pods.controllers import DesiredPods
from .pods.status import carries, concerns, created, first_started_since


@recorded
@dataclass(frozen=True)
class PodsPull(CheckDefaults):
    """Every pod that has to be there was made after the pull secret, carries it and has pulled, and none fails to.

    A pod that was there before proves nothing: service accounts give their secrets only to new pods. How many have to
    be there their controllers say, not the pods: those that are still to come would not be missed.

    Args:
        namespace, service_account, host, secret: whose pods, from which registry, with which secret.
        stuck: API version, kind and name of each controller whose pods were stuck when the plan was made, and how many.
    """

    namespace: str
    service_account: str
    host: str
    secret: str
    stuck: tuple[tuple[str, str, str, int], ...] = ()

    # Where no pod uses the registry there is nothing to prove it with; that is said, and is no failure.
    required: ClassVar[bool] = False
    learnt: ClassVar[tuple[str, ...]] = ("stuck",)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"pods of {self.namespace}/{self.service_account} pull from {self.host} with secret {self.secret}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get the Secret, list and watch the pods of the namespace, get their controllers."""
        pods = tuple(Permission(verb, "pods", "", self.namespace) for verb in ("list", "watch"))
        secret = Permission("get", "secrets", "", self.namespace, self.secret)
        return (*pods, secret, *DesiredPods("", "", "", self.namespace).permissions)

    def ask(self, api: Api) -> Verdict:
        """Look at every pod of the service account that uses the registry, and at what its controllers want."""
        every = api.kubernetes.list(Ref("v1", "Pod", "", self.namespace))
        pods = [pod for pod in every if concerns(pod, self.service_account, self.host)]
        if failing := [pod for pod in pods if pull_failures(pod, self.host)]:
            return self._cannot_pull(failing, len(pods))
        made = self._made(api)
        if made is None:
            return Verdict("failing", f"secret {self.secret} does not exist")
        newer = [pod for pod in pods if carries(pod, self.secret) and _is_newer(pod, made)]
        return self._missing(api, newer, every) or self._proof(newer, pods)

    def _cannot_pull(self, failing: list[State], total: int) -> Verdict:
        """Tell who fails; a pod without the secret never gets it, so waiting for that one would be in vain."""
        text = f"{len(failing)} of {total} pods cannot pull: {few(map(name_of, failing))}"
        without = [pod for pod in failing if not carries(pod, self.secret)]
        more = f"; without the secret, so to be made anew: {few(map(name_of, without))}" if without else ""
        return Verdict("failing", text + more, final=len(without) == len(failing))

    def _made(self, api: Api) -> float | None:
        try:
            return created(api.kubernetes.read(Ref("v1", "Secret", self.secret, self.namespace)))
        except NotFound:
            return None

    def _missing(self, api: Api, newer: list[State], every: list[State]) -> Verdict | None:
        """Return who is waited for, None when as many pods have started as their controllers want."""
        running = [pod for pod in every if "deletionTimestamp" not in pod["metadata"] and has_started(pod)]
        there = Counter(filter(None, map(controller_of, running)))
        wanted = self._wanted(api, newer)
        short = [ref for ref in wanted if there[ref] < wanted[ref]]
        waiting = [pod for pod in newer if not has_started(pod)]
        if not short and not waiting:
            return None
        counts = few(f"{ref.address} has {there[ref]} of {wanted[ref]} pods" for ref in short)
        names = f"{few(map(name_of, waiting))} not started" if waiting else ""
        return Verdict("failing", "; ".join(filter(None, (counts, names))))

    def _wanted(self, api: Api, newer: Iterable[State]) -> dict[Ref, int]:
        """Return how many pods each controller wants; of one that does not tell, how many of its pods were stuck."""
        counted = {Ref(*where): count for *where, count in self.stuck}
        found = counted | {ref: 0 for pod in newer if (ref := controller_of(pod)) and ref not in counted}
        facts = Facts(api)
        for ref, count in found.items():
            told = facts(DesiredPods(ref.api_version, ref.kind, ref.name, self.namespace))
            found[ref] = count if told is None else told
        return found

    def _proof(self, newer: list[State], pods: list[State]) -> Verdict:
        if newer:
            text = f"{len(newer)} pods with the secret, made after it, have started, and no controller wants more"
            return Verdict("ok", f"{text}; a node may have had the image")
        before = f", and {few(map(name_of, pods))} proves nothing; start one, or restart the workload" if pods else ""
        return Verdict("unknown", f"no pod that was made after the secret carries it{before}", final=True)

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of a pod."""
        return api.kubernetes.changes(Ref("v1", "Pod", "", self.namespace), within)


def _is_newer(pod: State, made: float) -> bool:
    """Tell whether a pod can have pulled with a Secret only: it was made after it, or waited until it was there."""
    return created(pod) >= made or first_started_since(pod, made)
