"""What the API server changes in an object on its way into the store, beside plain defaults."""

from __future__ import annotations

import ipaddress
from typing import Any

from runbook_sandbox.kubernetes.decoding import decoded
from runbook_sandbox.kubernetes.defaults import TEMPLATE_GENERATION
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone, digest, meta, now, suffix
from runbook_sandbox.kubernetes.pod_defaults import containers
from runbook_sandbox.kubernetes.problems import forbidden
from runbook_sandbox.kubernetes.store import Store

# Kinds whose objects count the changes of their spec.
GENERATIONAL = frozenset(
    {
        "customresourcedefinitions",
        "daemonsets",
        "deployments",
        "replicasets",
        "statefulsets",
        "jobs",
        "cronjobs",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "networkpolicies",
        "ingressclasses",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "priorityclasses",
        "endpointslices",
        "ingresses",
        "poddisruptionbudgets",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
    }
)
# Kinds whose status a client may set when it creates the object, or whose first status is not just empty.
_STATUS_KEPT = frozenset({"nodes", "pods", "namespaces", "persistentvolumes", "persistentvolumeclaims", "services"})
# What is in use goes only when nobody uses it any more.
PROTECTION = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
    "volumeattributesclasses": "kubernetes.io/vac-protection",
}
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - where pods find their token
# What the server has chosen for a service and keeps when an update does not tell it.
_ALLOCATED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")
# Numbers that Go writes in a status even when they are zero, though the schema does not require them.
_FIRST_STATUS: dict[str, dict[str, Any]] = {
    "horizontalpodautoscalers": {"desiredReplicas": 0},
    "statefulsets": {"availableReplicas": 0},
    "poddisruptionbudgets": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
}
_SYSTEM_PRIORITIES = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
SERVICE_RANGE = ipaddress.ip_network("10.96.0.0/16")


def admit_create(store: Store, kind: Kind, obj: Object) -> None:
    """Change a new object in place; raises Problem where admission refuses it."""
    if "status" in kind.subresources and kind.plural not in _STATUS_KEPT:
        obj.pop("status", None)
        obj |= {} if kind.custom else {"status": _first_status(kind)}
    _protect(kind, obj)
    if _is_counted(kind):
        meta(obj)["generation"] = 1
    if kind.storage == "daemonsets.apps":
        meta(obj)["annotations"][TEMPLATE_GENERATION] = "1"
    if kind.plural == "pods":
        _pod(store, obj)
    if kind.plural == "services":
        _service(store, obj)
    if kind.plural == "namespaces":
        obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        obj["status"] = {"phase": "Active"}
    if kind.plural == "persistentvolumes":
        obj["status"]["lastPhaseTransitionTime"] = now()
    if kind.plural == "jobs":
        _job(obj)
    admit(kind, obj)


def _protect(kind: Kind, obj: Object) -> None:
    protection = PROTECTION.get(kind.plural)
    if protection and protection not in meta(obj).get("finalizers", ()):
        meta(obj).setdefault("finalizers", []).append(protection)


def admit(kind: Kind, obj: Object) -> None:
    """Change a new or updated object in place."""
    if kind.plural == "nodes":
        _node_taint(obj)


def admit_update(kind: Kind, new: Object, old: Object) -> None:
    """Change an updated object in place: generation and what the server keeps."""
    admit(kind, new)
    if kind.plural == "namespaces":
        new.setdefault("spec", {})["finalizers"] = old.get("spec", {}).get("finalizers", ["kubernetes"])
    if kind.plural == "services" and new["spec"].get("type") == old["spec"].get("type"):
        new["spec"] = {key: old["spec"][key] for key in _ALLOCATED if key in old["spec"]} | new["spec"]
    if not _is_counted(kind):
        return
    changed = _counted(kind, new) != _counted(kind, old)
    meta(new)["generation"] = old["metadata"].get("generation", 1) + int(changed)
    if kind.storage == "daemonsets.apps":
        previous = int(old["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION, 0))
        restarted = new["spec"]["template"] != old["spec"]["template"]
        meta(new).setdefault("annotations", {})[TEMPLATE_GENERATION] = str(previous + int(restarted))


def _first_status(kind: Kind) -> Object:
    found: Object = decoded(kind, {})["status"] | clone(_FIRST_STATUS.get(kind.plural, {}))
    return found


def _is_counted(kind: Kind) -> bool:
    return kind.custom is not None or kind.plural in GENERATIONAL


def _counted(kind: Kind, obj: Object) -> Any:
    """Return what the generation counts changes of: the spec, and with a deployment its annotations too."""
    if kind.custom is not None:
        return {key: item for key, item in obj.items() if key not in {"apiVersion", "metadata", "status"}}
    if kind.storage == "deployments.apps":
        return obj.get("spec"), obj["metadata"].get("annotations", {})
    if kind.storage == "endpointslices.discovery.k8s.io":
        return {**obj, "metadata": {key: obj["metadata"].get(key, {}) for key in ("labels", "annotations")}}
    return obj.get("spec", obj.get("webhooks"))


def _node_taint(node: Object) -> None:
    spec = node.setdefault("spec", {})
    others = [taint for taint in spec.get("taints", ()) if taint["key"] != "node.kubernetes.io/unschedulable"]
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    taints = others + ([cordon] if spec.get("unschedulable") else [])
    spec.pop("taints", None)
    if taints:
        spec["taints"] = taints


def _job(job: Object) -> None:
    if job["spec"].get("manualSelector"):
        return
    uid, name = job["metadata"]["uid"], job["metadata"]["name"]
    marks = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template = job["spec"].setdefault("template", {}).setdefault("metadata", {})
    template["labels"] = template.get("labels", {}) | marks
    if not meta(job).get("labels"):
        meta(job)["labels"] = dict(template["labels"])
    job["spec"].setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})


def _service(store: Store, service: Object) -> None:
    spec = service["spec"]
    if spec["type"] != "ExternalName":
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] == "ExternalName" or spec.get("clusterIP") == "None":
        if "clusterIP" in spec:
            spec["clusterIPs"] = ["None"]
        return
    taken = {each["spec"].get("clusterIP") for each in store.list("services")}
    spec.setdefault("clusterIP", next(str(ip) for ip in SERVICE_RANGE.hosts() if str(ip) not in taken))
    spec["clusterIPs"] = [spec["clusterIP"]]


def _pod(store: Store, pod: Object) -> None:
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    name = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = name
    account = store.get("serviceaccounts", namespace, name)
    if account is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden("", "pods", pod["metadata"]["name"], why)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = clone(account["imagePullSecrets"])
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount_token(spec)
    _pod_scheduling(store, pod)
    pod["status"] = {"phase": "Pending", "qosClass": _quality(spec)}


def _mount_token(spec: dict[str, Any]) -> None:
    if any(volume["name"].startswith("kube-api-access-") for volume in spec.get("volumes", ())):
        return
    volume = f"kube-api-access-{suffix()}"
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {
            "downwardAPI": {
                "items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]
            }
        },
    ]
    spec.setdefault("volumes", []).append({"name": volume, "projected": {"defaultMode": 420, "sources": sources}})
    mount = {"mountPath": _TOKEN_PATH, "name": volume, "readOnly": True}
    for each in containers(spec):
        each.setdefault("volumeMounts", []).append(dict(mount))


def _priority(store: Store, pod: Object) -> int:
    name = pod["spec"].get("priorityClassName", "")
    found = store.get("priorityclasses.scheduling.k8s.io", "", name) if name else {}
    if found is None and name not in _SYSTEM_PRIORITIES:
        raise forbidden("", "pods", pod["metadata"]["name"], f"no PriorityClass with name {name} was found")
    return int((found or {}).get("value", _SYSTEM_PRIORITIES.get(name, 0)))


def _pod_scheduling(store: Store, pod: Object) -> None:
    spec = pod["spec"]
    spec.setdefault("priority", _priority(store, pod))
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    known = {(each.get("key"), each.get("effect")) for each in spec.get("tolerations", ())}
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not {(key, "NoExecute"), (key, None), (None, None)} & known:
            default = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            spec.setdefault("tolerations", []).append(default)


def _quality(spec: dict[str, Any]) -> str:
    resources = [each.get("resources", {}) for each in containers(spec)]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    full = all(
        set(each.get("limits", {})) >= {"cpu", "memory"} and each.get("requests") == each["limits"]
        for each in resources
    )
    return "Guaranteed" if full else "Burstable"


def template_hash(template: dict[str, Any]) -> str:
    """Return the hash of a pod template, as in the labels `pod-template-hash` and `controller-revision-hash`."""
    return digest(template)
