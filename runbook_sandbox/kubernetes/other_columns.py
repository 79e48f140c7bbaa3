"""The columns of `kubectl get` for what is beside workloads: batch, scaling, storage, networks, rights and extensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runbook_sandbox.kubernetes.objects import Object, has_condition
from runbook_sandbox.kubernetes.selectors import text_of
from runbook_sandbox.kubernetes.table_columns import AGE, NAME, Column, age, at

_NONE = "<none>"
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_CREATED: Column = ("Created At", "date", 0, at("metadata", "creationTimestamp"))


def _text(name: str, *keys: str, priority: int = 0, default: Any = "") -> Column:
    return (name, "string", priority, at(*keys, default=default))


def _job_status(job: Object) -> str:
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind, text in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        if has_condition(job, kind):
            return text
    return "Running"


def _completions(job: Object) -> str:
    return f"{(job.get('status') or {}).get('succeeded', 0)}/{job['spec'].get('completions', 1)}"


def _duration(job: Object) -> str:
    status = job.get("status") or {}
    return age(status.get("startTime"), status.get("completionTime")) if status.get("startTime") else ""


def _last_run(job: Object) -> str:
    moment = (job.get("status") or {}).get("lastScheduleTime")
    return age(moment) if moment else _NONE


def _pods(*keys: str) -> tuple[Column, ...]:
    containers = at(*keys, "spec", "containers", default=())
    return (
        ("Containers", "string", 1, lambda obj: ",".join(each["name"] for each in containers(obj))),
        ("Images", "string", 1, lambda obj: ",".join(each.get("image", "") for each in containers(obj))),
    )


def _selector(obj: Object) -> str:
    return text_of(obj["spec"].get("selector")) or _NONE


def _reference(scaler: Object) -> str:
    target = scaler["spec"]["scaleTargetRef"]
    return f"{target['kind']}/{target['name']}"


def _targets(scaler: Object) -> str:
    """Return the wanted averages; nothing measures what they are."""
    resources = [each["resource"] for each in scaler["spec"].get("metrics") or () if "resource" in each]
    wanted = [(each["name"], each["target"]) for each in resources]
    shares = (
        f"{name}: <unknown>/{target.get('averageUtilization', target.get('averageValue'))}%" for name, target in wanted
    )
    return ", ".join(shares) or _NONE


def _budget(field: str) -> Callable[[Object], str]:
    return lambda obj: str(obj["spec"].get(field, "N/A"))


def _capacity(*keys: str) -> Callable[[Object], str]:
    return at(*keys, "storage")


def _modes(*keys: str) -> Callable[[Object], str]:
    find = at(*keys, default=())
    return lambda obj: ",".join(_MODES.get(mode, mode) for mode in find(obj) or ())


def _claim(volume: Object) -> str:
    found = volume["spec"].get("claimRef")
    return f"{found.get('namespace', '')}/{found['name']}" if found else ""


def _amounts(limits: bool) -> Callable[[Object], str]:
    def cell(quota: Object) -> str:
        status = quota.get("status") or {}
        hard, used = status.get("hard") or quota["spec"].get("hard") or {}, status.get("used") or {}
        chosen = sorted(name for name in hard if name.startswith("limits.") is limits)
        return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in chosen)

    return cell


def _hosts(ingress: Object) -> str:
    found = [each.get("host", "*") for each in ingress["spec"].get("rules") or ()]
    return ",".join(found) or "*"


def _role(binding: Object) -> str:
    return f"{binding['roleRef']['kind']}/{binding['roleRef']['name']}"


def _subjects(kind: str) -> Callable[[Object], str]:
    def cell(binding: Object) -> str:
        found = [each for each in binding.get("subjects") or () if each["kind"] == kind]
        return ", ".join(
            f"{each['namespace']}/{each['name']}" if "namespace" in each else each["name"] for each in found
        )

    return cell


def _service(service: Object) -> str:
    found = service["spec"].get("service")
    return f"{found['namespace']}/{found['name']}" if found else "Local"


def _available(service: Object) -> str:
    return "True" if has_condition(service, "Available") else "False"


_BINDING: tuple[Column, ...] = (
    NAME,
    ("Role", "string", 0, _role),
    AGE,
    ("Users", "string", 1, _subjects("User")),
    ("Groups", "string", 1, _subjects("Group")),
    ("ServiceAccounts", "string", 1, _subjects("ServiceAccount")),
)
OTHERS: dict[str, tuple[Column, ...]] = {
    "jobs.batch": (
        NAME,
        ("Status", "string", 0, _job_status),
        ("Completions", "string", 0, _completions),
        ("Duration", "string", 0, _duration),
        AGE,
        *_pods("spec", "template"),
        ("Selector", "string", 1, _selector),
    ),
    "cronjobs.batch": (
        NAME,
        _text("Schedule", "spec", "schedule"),
        _text("Timezone", "spec", "timeZone", default=_NONE),
        ("Suspend", "boolean", 0, at("spec", "suspend", default=False)),
        ("Active", "integer", 0, lambda obj: len((obj.get("status") or {}).get("active") or ())),
        ("Last Schedule", "string", 0, _last_run),
        AGE,
        *_pods("spec", "jobTemplate", "spec", "template"),
        ("Selector", "string", 1, lambda _: _NONE),
    ),
    "horizontalpodautoscalers.autoscaling": (
        NAME,
        ("Reference", "string", 0, _reference),
        ("Targets", "string", 0, _targets),
        ("MinPods", "string", 0, lambda obj: str(obj["spec"].get("minReplicas", "<unset>"))),
        ("MaxPods", "string", 0, lambda obj: obj["spec"]["maxReplicas"]),
        ("Replicas", "string", 0, at("status", "currentReplicas", default=0)),
        AGE,
    ),
    "poddisruptionbudgets.policy": (
        NAME,
        ("Min Available", "string", 0, _budget("minAvailable")),
        ("Max Unavailable", "string", 0, _budget("maxUnavailable")),
        ("Allowed Disruptions", "integer", 0, at("status", "disruptionsAllowed", default=0)),
        AGE,
    ),
    "persistentvolumeclaims": (
        NAME,
        _text("Status", "status", "phase"),
        _text("Volume", "spec", "volumeName"),
        ("Capacity", "string", 0, _capacity("status", "capacity")),
        ("Access Modes", "string", 0, _modes("status", "accessModes")),
        _text("StorageClass", "spec", "storageClassName"),
        _text("VolumeAttributesClass", "spec", "volumeAttributesClassName", default="<unset>"),
        AGE,
        _text("VolumeMode", "spec", "volumeMode", priority=1, default="<unset>"),
    ),
    "persistentvolumes": (
        NAME,
        ("Capacity", "string", 0, _capacity("spec", "capacity")),
        ("Access Modes", "string", 0, _modes("spec", "accessModes")),
        _text("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy"),
        _text("Status", "status", "phase"),
        ("Claim", "string", 0, _claim),
        _text("StorageClass", "spec", "storageClassName"),
        _text("VolumeAttributesClass", "spec", "volumeAttributesClassName", default="<unset>"),
        _text("Reason", "status", "reason"),
        AGE,
        _text("VolumeMode", "spec", "volumeMode", priority=1, default="<unset>"),
    ),
    "storageclasses.storage.k8s.io": (
        NAME,
        _text("Provisioner", "provisioner"),
        _text("ReclaimPolicy", "reclaimPolicy"),
        _text("VolumeBindingMode", "volumeBindingMode"),
        ("AllowVolumeExpansion", "string", 0, at("allowVolumeExpansion", default=False)),
        AGE,
    ),
    "resourcequotas": (
        NAME,
        ("Request", "string", 0, _amounts(limits=False)),
        ("Limit", "string", 0, _amounts(limits=True)),
        AGE,
    ),
    "ingresses.networking.k8s.io": (
        NAME,
        _text("Class", "spec", "ingressClassName", default=_NONE),
        ("Hosts", "string", 0, _hosts),
        ("Address", "string", 0, lambda _: ""),
        ("Ports", "string", 0, lambda obj: "80, 443" if obj["spec"].get("tls") else "80"),
        AGE,
    ),
    "networkpolicies.networking.k8s.io": (
        NAME,
        ("Pod-Selector", "string", 0, lambda obj: text_of(obj["spec"].get("podSelector")) or _NONE),
        AGE,
    ),
    "roles.rbac.authorization.k8s.io": (NAME, _CREATED),
    "clusterroles.rbac.authorization.k8s.io": (NAME, _CREATED),
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "customresourcedefinitions.apiextensions.k8s.io": (NAME, _CREATED),
    "limitranges": (NAME, _CREATED),
    "serviceaccounts": (NAME, AGE),
    "runtimeclasses.node.k8s.io": (NAME, _text("Handler", "handler"), AGE),
    "apiservices.apiregistration.k8s.io": (
        NAME,
        ("Service", "string", 0, _service),
        ("Available", "string", 0, _available),
        AGE,
    ),
    "priorityclasses.scheduling.k8s.io": (
        NAME,
        ("Value", "integer", 0, at("value")),
        ("Global-Default", "boolean", 0, at("globalDefault", default=False)),
        AGE,
        _text("PreemptionPolicy", "preemptionPolicy"),
    ),
}
