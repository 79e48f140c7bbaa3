"""Stuck pods that their controllers shall make anew, because service accounts give pull secrets only to new pods.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from remediation import (
    FIELD_MANAGER,
    Api,
    Change,
    Conflict,
    Intent,
    NotFound,
    Permission,
    Ref,
    ResourceDefaults,
    Seen,
    State,
    Written,
    controller_of,
    name_of,
    pull_failures,
    recorded,
)

from .status import created, lacking, stuck

_ROUND_SECONDS = 0.3
_LONGEST_SECONDS = 30.0
# A busy controller makes the new pods so late, and a busy kubelet tries to pull so late; with a quota no pod comes at all.
_SLOW_SECONDS = 15.0


@recorded
@dataclass(frozen=True)
class RenewedPods(ResourceDefaults):
    """The pods of a service account that cannot pull and do not carry the secret; the state names them and their controllers.

    Deleted are the pods that the plan names, their sisters that the kubelet had not tried to pull for by then, and what
    their controllers made in their place before the API server knew of the attachment. See `lacking` for which pods can
    be made anew at all.
    """

    namespace: str
    service_account: str
    host: str
    secret: str
    reason: str = "no pod has to be made anew"
    # Deleting a pod that never ran leaves nothing to put back: its controller has made another.
    nothing_to_undo: ClassVar[bool] = True

    def foreign(self, change: Change) -> list[str]:
        """Return nothing: only stuck pods that somebody makes anew are deleted, whatever a record names."""
        del change
        return []

    def impact(self, change: Change, seen: Seen) -> str:
        """Say how many pods are made anew."""
        del seen
        stuck = len((change.before or {}).get("stuck", {}))
        return f"{stuck} stuck {'pod is' if stuck == 1 else 'pods are'} made anew"

    @property
    def _pods(self) -> Ref:
        return Ref("v1", "Pod", "", self.namespace)

    @property
    def address(self) -> str:
        """``pods/namespace/of/serviceaccount``."""
        return f"pods/{self.namespace}/of/{self.service_account}"

    @property
    def scope(self) -> str:
        """The service account: the names of its pods change while they are renewed."""
        return Ref("v1", "ServiceAccount", self.service_account, self.namespace).scope

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List and delete pods of the namespace, whose names cannot be known before; get the service account."""
        pods = tuple(Permission(verb, "pods", "", self.namespace) for verb in ("delete", "list"))
        return (*pods, Permission("get", "serviceaccounts", "", self.namespace, self.service_account))

    def _asked(self, api: Api) -> tuple[list[State], State | None]:
        """Return the pods of the namespace, and the service account."""
        try:
            account = api.kubernetes.read(Ref("v1", "ServiceAccount", self.service_account, self.namespace))
        except NotFound:
            account = None
        return api.kubernetes.list(self._pods), account

    def read(self, api: Api) -> State:
        """Return the names of the pods that are stuck, with their controllers."""
        pods, account = self._asked(api)
        return {"stuck": {name_of(pod): _controller(pod) for pod in stuck(pods, account, self.host, self.secret)}}

    def desired(self, current: State | None) -> State:
        """Return no stuck pods."""
        del current
        return {"stuck": {}}

    def preview(self, api: Api, change: Change) -> Change:
        """Ask for a dry run of the first deletion."""
        pods, account = self._asked(api)
        for pod in stuck(pods, account, self.host, self.secret)[:1]:
            self._delete(api, pod, dry_run=True)
        note = "pods that never ran are deleted; their controllers make new ones, so nothing has to be undone"
        return replace(change, note=note)

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Delete the named pods until the new ones carry the secret: the API server learns of the attachment a moment later."""
        del run_id, identity
        named: State = (change.before or {}).get("stuck", {})
        began, calm, since = time.monotonic(), 0, api.kubernetes.now()
        quiet = began
        while calm < 2 and time.monotonic() - began < _LONGEST_SECONDS:
            pods, account = self._asked(api)
            sisters = self._sisters(pods, account, named)
            useless = self._useless(sisters, _attached(account, api.kubernetes.now()))
            for pod in useless:
                self._delete(api, pod)
            if useless:
                calm, quiet = 0, time.monotonic()
            elif _is_over(pods, sisters, named, _attached(account, since)) or time.monotonic() - quiet > _SLOW_SECONDS:
                calm += 1
            api.stop.wait(_ROUND_SECONDS if useless else _ROUND_SECONDS / 2)
        return Written(self.read(api))

    def _useless(self, sisters: list[State], since: float) -> list[State]:
        """Return those that are stuck, and those that were made too early in place of others."""
        return [pod for pod in sisters if pull_failures(pod, self.host) or created(pod) >= since]

    def _sisters(self, pods: list[State], account: State | None, named: State) -> list[State]:
        """Return the named pods and those of their controllers that do not carry the secret and never ran."""
        found = lacking(pods, account, self.host, self.secret)
        # An earlier version did not note the controllers.
        controllers = {_controller(pod) for pod in found if name_of(pod) in named} | set(named.values())
        return [pod for pod in found if _controller(pod) in controllers]

    def _delete(self, api: Api, pod: State, *, dry_run: bool = False) -> None:
        metadata = pod["metadata"]
        try:
            api.kubernetes.delete(Ref("v1", "Pod", metadata["name"], self.namespace), metadata["uid"], dry_run=dry_run)
        except (NotFound, Conflict):
            return  # it is gone, or another pod has its name by now

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether any pod still has to go; deleting again does no harm."""
        del run_id, intent
        pods, account = self._asked(api)
        named: State = (change.before or {}).get("stuck", {})
        useless = self._useless(self._sisters(pods, account, named), _attached(account, api.kubernetes.now()))
        return None if useless else Written(self.read(api))


def _is_over(pods: list[State], sisters: list[State], named: State, since: float) -> bool:
    """Tell whether each named pod has its successor, and no sister is left for which the kubelet may yet fail to pull."""
    return _replaced(pods, named, since) and not any(pod["spec"].get("nodeName") for pod in sisters)


def _replaced(pods: list[State], named: State, since: float) -> bool:
    """Tell whether there is a new pod for each one that was named; one that comes later may still lack the secret."""
    controllers = [item for item in named.values() if "/" in item]  # an earlier version did not note them
    new = [_controller(pod) for pod in pods if created(pod) >= since and "deletionTimestamp" not in pod["metadata"]]
    return all(new.count(item) >= controllers.count(item) for item in set(controllers))


def _controller(pod: State) -> str:
    found = controller_of(pod)
    return found.address if found else ""


def _attached(account: State | None, now: float) -> float:
    """Return when we have written to the service account, by the API server's clock and in whole seconds, else now.

    What a controller makes after that comes in place of a pod that is gone, also where another process has deleted it.
    """
    entries = (account or {"metadata": {}})["metadata"].get("managedFields") or []
    ours = [entry["time"] for entry in entries if entry.get("manager") == FIELD_MANAGER and "time" in entry]
    return max((datetime.fromisoformat(text).timestamp() for text in ours), default=float(int(now)))
