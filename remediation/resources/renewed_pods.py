"""Stuck pods that their controllers shall make anew, because service accounts give pull secrets only to new pods.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from remediation.changes import Change, Intent, Written
from remediation.diffing import State
from remediation.errors import Conflict, NotFound
from remediation.facts.pods import carries, created, has_controller, never_ran, pull_failures, pulls_from
from remediation.model import Permission, ResourceDefaults
from remediation.records import recorded
from remediation.refs import Ref

_ROUND_SECONDS = 0.3
_LONGEST_SECONDS = 30.0
# A run that was killed has left replacements that are this old at most, unless they show by now that they cannot pull.
_RECENT_SECONDS = 60.0


@recorded
@dataclass(frozen=True)
class RenewedPods(ResourceDefaults):
    """The pods of a service account that cannot pull and do not carry the secret; the state names them.

    Only pods that have a controller and never ran are deleted: others may have logs or a result that somebody needs.
    """

    namespace: str
    service_account: str
    host: str
    secret: str
    reason: str = "no pod has to be made anew"
    # Deleting a pod that never ran leaves nothing to put back: its controller has made another.
    nothing_to_undo: ClassVar[bool] = True

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
        """List and delete pods of the namespace; their names cannot be known before."""
        return tuple(Permission(verb, "pods", "", self.namespace) for verb in ("delete", "list"))

    def _lacking(self, api: Any) -> list[State]:
        return [pod for pod in api.kubernetes.list(self._pods) if self._concerns(pod) and not carries(pod, self.secret)]

    def _stuck(self, api: Any) -> list[State]:
        return [pod for pod in self._lacking(api) if pull_failures(pod, self.host)]

    def _useless(self, api: Any, since: float) -> list[State]:
        """Return the stuck pods, and those made in place of others before the API server knew of the attachment."""
        return [pod for pod in self._lacking(api) if pull_failures(pod, self.host) or created(pod) >= since]

    def _concerns(self, pod: State) -> bool:
        ours = pod["spec"].get("serviceAccountName", "default") == self.service_account and pulls_from(pod, self.host)
        return ours and has_controller(pod) and never_ran(pod) and "deletionTimestamp" not in pod["metadata"]

    def read(self, api: Any) -> State:
        """Return the names of the pods that are stuck, with their trouble."""
        return {"stuck": {pod["metadata"]["name"]: "cannot pull" for pod in self._stuck(api)}}

    def desired(self, current: State | None) -> State:
        """Return no stuck pods."""
        del current
        return {"stuck": {}}

    def preview(self, api: Any, change: Change) -> Change:
        """Ask for a dry run of the first deletion."""
        for pod in self._stuck(api)[:1]:
            self._delete(api, pod, dry_run=True)
        note = "pods that never ran are deleted; their controllers make new ones, so nothing has to be undone"
        return replace(change, note=note)

    def write(self, api: Any, change: Change, run_id: str, identity: str = "") -> Written:
        """Delete stuck pods until the new ones carry the secret: the API server learns of the attachment a moment later."""
        del change, run_id, identity
        since = api.kubernetes.now() - _RECENT_SECONDS
        deadline, calm = time.monotonic() + _LONGEST_SECONDS, 0
        while calm < 2 and time.monotonic() < deadline:
            useless = self._useless(api, since)
            for pod in useless:
                self._delete(api, pod)
            calm = 0 if useless else calm + 1
            time.sleep(_ROUND_SECONDS if useless else _ROUND_SECONDS / 2)
        return Written(self.read(api))

    def _delete(self, api: Any, pod: State, *, dry_run: bool = False) -> None:
        metadata = pod["metadata"]
        try:
            api.kubernetes.delete(Ref("v1", "Pod", metadata["name"], self.namespace), metadata["uid"], dry_run=dry_run)
        except (NotFound, Conflict):
            return  # it is gone, or another pod has its name by now

    def settle(self, api: Any, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether any pod is still stuck; deleting again does no harm."""
        del change, run_id, intent
        current = self.read(api)
        return None if current["stuck"] else Written(current)
