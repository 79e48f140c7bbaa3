"""Jobs: pods until enough of them have succeeded, or too many have failed."""

from __future__ import annotations

from typing import Any, ClassVar

from runbook_sandbox.kubernetes.controllers import pods
from runbook_sandbox.kubernetes.controllers.base import Workload
from runbook_sandbox.kubernetes.objects import Object, clone, condition, has_condition, now, set_condition


class Jobs(Workload):
    """The controller of jobs."""

    storage: ClassVar[str] = "jobs.batch"
    kind: ClassVar[str] = "Job"

    def sync(self, obj: Object) -> None:
        """Make the missing pods, and write the status."""
        if obj["spec"].get("suspend") or has_condition(obj, "Complete") or has_condition(obj, "Failed"):
            return
        found = pods.owned(self.cluster, obj)
        done, failed = _ended(found, "Succeeded"), _ended(found, "Failed")
        active = sum(pods.is_active(each) for each in found)
        if failed <= obj["spec"]["backoffLimit"]:
            missing = min(obj["spec"]["parallelism"], obj["spec"]["completions"] - done) - active
            made = [pods.make(self.cluster, obj, {}) for _ in range(missing)]
            active += sum(made)
        self._write_status(obj, active, done, failed)

    def _write_status(self, obj: Object, active: int, done: int, failed: int) -> None:
        status: dict[str, Any] = {"startTime": obj.get("status", {}).get("startTime", now())}
        counts = {"active": active, "ready": active, "succeeded": done, "failed": failed}
        status |= {key: number for key, number in counts.items() if number}
        status["conditions"] = clone(obj.get("status", {}).get("conditions", []))
        if done >= obj["spec"]["completions"]:
            status["completionTime"] = now()
            set_condition(status, condition("SuccessCriteriaMet", holds=True, reason="CompletionsReached"))
            set_condition(status, condition("Complete", holds=True, reason="CompletionsReached"))
        elif failed > obj["spec"]["backoffLimit"]:
            text = "Job has reached the specified backoff limit"
            set_condition(status, condition("Failed", holds=True, reason="BackoffLimitExceeded", message=text))
        pods.put_status(self.cluster, self.storage, obj, status)


def _ended(found: list[Object], phase: str) -> int:
    return sum(each.get("status", {}).get("phase") == phase for each in found)
