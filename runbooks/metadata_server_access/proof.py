"""What shows that the symptom is gone: a new pod gets an answer, and the pods that wait for one become ready."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from remediation import (
    Api,
    CheckDefaults,
    Facts,
    KubernetesObject,
    NotFound,
    Permission,
    Ref,
    State,
    Verdict,
    few,
    live_pods,
    name_of,
    recorded,
)

from .policies import fewest, selects
from .situation import is_ready

PROBE = "runbook-metadata-probe"
# It has bash, which opens a connection by itself, and nothing else is needed.
IMAGE = "debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716"
# Only the first line of the answer is kept: the token behind it is nobody's business.
_ASK = r"""exec 3<>/dev/tcp/169.254.169.254/80
printf 'GET /computeMetadata/v1/instance/service-accounts/default/token HTTP/1.0\r\nMetadata-Flavor: Google\r\n\r\n' >&3
IFS= read -r line <&3 && printf '%s\n' "$line" >/dev/termination-log"""
_LOCKED_DOWN = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def probe(namespace: str, selector: State, account: str, image: str) -> KubernetesObject:
    """Return a pod that the policies see as one of theirs, that no Service sends anything to, and that asks once."""
    container = {
        "name": "probe",
        "image": image,
        "command": ["timeout", "20", "bash", "-c", _ASK],
        # A Service whose selector matches sends nothing to a pod that is never ready.
        "readinessProbe": {"exec": {"command": ["false"]}},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": _LOCKED_DOWN,
    }
    spec = {"restartPolicy": "Never", "serviceAccountName": account, "automountServiceAccountToken": False}
    wanted = {"metadata": {"labels": fewest(selector)}, "spec": spec | {"containers": [container]}}
    return KubernetesObject("v1", "Pod", PROBE, namespace, wanted, row="AUTH-07", may="new")


@recorded
@dataclass(frozen=True)
class ProbeAnswered(CheckDefaults):
    """A new pod with the labels that the policy selects asks the metadata server for a token and gets it."""

    namespace: str

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"a new pod in {self.namespace} gets a token from the metadata server"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get the probe, and watch the pods of its namespace."""
        return Permission("get", "pods", "", self.namespace, PROBE), Permission("watch", "pods", "", self.namespace)

    @property
    def _ref(self) -> Ref:
        return Ref("v1", "Pod", PROBE, self.namespace)

    def ask(self, api: Api) -> Verdict:
        """Read what the probe has left in its status."""
        try:
            status = api.kubernetes.read(self._ref).get("status", {})
        except NotFound:
            return Verdict("failing", "there is no probe")
        if status.get("phase") not in ("Succeeded", "Failed"):
            return Verdict("failing", f"the probe is {status.get('phase', 'not placed yet')}")
        ended = [each.get("state", {}).get("terminated") or {} for each in status.get("containerStatuses") or []]
        answer = str(ended[0].get("message", "") if ended else "")[:80].strip()
        if " 200 " in f"{answer} ":
            return Verdict("ok", answer)
        return Verdict("failing", answer or "it got no answer in 20 s", final=True)

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of the probe."""
        return api.kubernetes.changes(self._ref, within, fields=f"metadata.name={PROBE}")


@recorded
@dataclass(frozen=True)
class ClientsReady(CheckDefaults):
    """Every pod that the policy isolates is ready; what keeps one from it may be something else."""

    namespace: str
    selector: State
    required: ClassVar[bool] = False
    # Which pods the policy is for, only the cluster tells.
    learnt: ClassVar[tuple[str, ...]] = ("selector",)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"the pods in {self.namespace} that the policy isolates are ready"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List and watch the pods of the namespace."""
        return tuple(Permission(verb, "pods", "", self.namespace) for verb in ("list", "watch"))

    def ask(self, api: Api) -> Verdict:
        """Look at the pods; none at all proves nothing."""
        mine = [pod for pod in Facts(api)(live_pods(self.namespace)) if name_of(pod) != PROBE]
        found = [pod for pod in mine if selects(self.selector, pod["metadata"].get("labels") or {})]
        if not found:
            return Verdict("unknown", "there is no such pod")
        late = [name_of(pod) for pod in found if not is_ready(pod)]
        if late:
            return Verdict("failing", f"{len(late)} of {len(found)} are not: {few(late)}")
        return Verdict("ok", f"{len(found)} of {len(found)}")

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of a pod of the namespace."""
        return api.kubernetes.changes(Ref("v1", "Pod", "", self.namespace), within)
