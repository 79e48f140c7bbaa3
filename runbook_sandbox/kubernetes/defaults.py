"""The values that the API server fills in, by kind.

Source: https://kubernetes.io/docs/reference/kubernetes-api/ and the answers of kube-apiserver 1.36.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from runbook_sandbox.kubernetes.objects import Object, meta
from runbook_sandbox.kubernetes.pod_defaults import claim, fill, pod_spec

Json = dict[str, Any]
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _template(obj: Object) -> Json:
    template: Json = obj["spec"].setdefault("template", {})
    template.setdefault("metadata", {}).setdefault("creationTimestamp", None)
    if template["metadata"]["creationTimestamp"] is None:
        del template["metadata"]["creationTimestamp"]
    pod_spec(template.setdefault("spec", {}))
    return template


def _pod(obj: Object) -> None:
    pod_spec(obj["spec"])
    obj["spec"].setdefault("enableServiceLinks", True)


def _daemon_set(obj: Object) -> None:
    _template(obj)
    meta(obj).setdefault("annotations", {}).setdefault(TEMPLATE_GENERATION, "0")
    strategy = obj["spec"].setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), maxSurge=0, maxUnavailable=1)
    obj["spec"].setdefault("revisionHistoryLimit", 10)


def _deployment(obj: Object) -> None:
    _template(obj)
    fill(obj["spec"], replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = obj["spec"]["strategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), maxSurge="25%", maxUnavailable="25%")


def _replica_set(obj: Object) -> None:
    _template(obj)
    obj["spec"].setdefault("replicas", 1)


def _stateful_set(obj: Object) -> None:
    _template(obj)
    fill(
        obj["spec"],
        replicas=1,
        podManagementPolicy="OrderedReady",
        updateStrategy={},
        revisionHistoryLimit=10,
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
    )
    strategy = obj["spec"]["updateStrategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    for each in obj["spec"].get("volumeClaimTemplates", ()):
        fill(each, apiVersion="v1", kind="PersistentVolumeClaim")
        claim(each)


def _cron_job(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    pod_spec(_template(spec.setdefault("jobTemplate", {"spec": {}}))["spec"])


def _replication_controller(obj: Object) -> None:
    spec = obj["spec"]
    marks = _template(obj)["metadata"].get("labels") if "template" in spec else None
    spec.setdefault("replicas", 1)
    if marks:
        spec.setdefault("selector", dict(marks))
        if not meta(obj).get("labels"):
            meta(obj)["labels"] = dict(marks)


def _pod_template(obj: Object) -> None:
    pod_spec(obj.setdefault("template", {}).setdefault("spec", {}))


def _autoscaler(obj: Object) -> None:
    fill(obj["spec"], minReplicas=1)
    usage = {"type": "Utilization", "averageUtilization": 80}
    if obj["apiVersion"].endswith("/v1"):
        fill(obj["spec"], targetCPUUtilizationPercentage=80)
    elif not obj["spec"].get("metrics"):
        obj["spec"]["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}]


def _limit_range(obj: Object) -> None:
    for each in obj["spec"].get("limits") or ():
        if each.get("type") == "Container":
            _limits(each)


def _limits(limit: Json) -> None:
    default = {**limit.get("max", {}), **limit.get("default", {})}
    request = {**limit.get("min", {}), **default, **limit.get("defaultRequest", {})}
    fill(limit, **({"default": default} if default else {}), **({"defaultRequest": request} if request else {}))


def _job(obj: Object) -> None:
    _template(obj)
    fill(
        obj["spec"],
        parallelism=1,
        completions=1,
        backoffLimit=6,
        completionMode="NonIndexed",
        suspend=False,
        podReplacementPolicy="TerminatingOrFailed",
        manualSelector=False,
    )


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        fill(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    for port in spec.get("ports", ()):
        fill(port, protocol="TCP", targetPort=port.get("port"))
    obj.setdefault("status", {}).setdefault("loadBalancer", {})


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    if "stringData" in obj:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in obj.pop("stringData").items()}
        obj["data"] = obj.get("data", {}) | encoded


def _node(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    if "podCIDR" in spec:
        fill(spec, podCIDRs=[spec["podCIDR"]])


def _endpoints(obj: Object) -> None:
    for port in (port for each in obj.get("subsets", ()) for port in each.get("ports", ())):
        port.setdefault("protocol", "TCP")


def _endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports", ()):
        fill(port, name="", protocol="TCP")


def _volume(obj: Object) -> None:
    fill(obj["spec"], volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    obj.setdefault("status", {})["phase"] = "Pending"
    if "hostPath" in obj["spec"]:
        fill(obj["spec"]["hostPath"], type="")


def _storage_class(obj: Object) -> None:
    fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _csi_driver(obj: Object) -> None:
    fill(
        obj["spec"],
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        volumeLifecycleModes=["Persistent"],
        requiresRepublish=False,
        seLinuxMount=False,
    )


def _priority_class(obj: Object) -> None:
    fill(obj, preemptionPolicy="PreemptLowerPriority")


def _admission_policy(obj: Object) -> None:
    fill(obj["spec"], failurePolicy="Fail")
    match = obj["spec"].get("matchConstraints")
    if match is not None:
        fill(match, matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})
        _scopes(match.get("resourceRules", ()))


def _scopes(rules: Any) -> None:
    for rule in rules:
        fill(rule, scope="*")


def _namespace(obj: Object) -> None:
    if "name" in meta(obj):
        meta(obj).setdefault("labels", {})["kubernetes.io/metadata.name"] = meta(obj)["name"]


def _binding(obj: Object) -> None:
    obj.get("roleRef", {}).setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in obj.get("subjects", ()):
        if subject.get("kind") in {"User", "Group"}:
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _network_policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    spec.setdefault("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _webhooks(obj: Object) -> None:
    for hook in obj.get("webhooks", ()):
        fill(
            hook,
            failurePolicy="Fail",
            matchPolicy="Equivalent",
            timeoutSeconds=10,
            namespaceSelector={},
            objectSelector={},
        )
        _scopes(hook.get("rules", ()))
        if obj["kind"] == "MutatingWebhookConfiguration":
            fill(hook, reinvocationPolicy="Never")
        if "service" in hook.get("clientConfig", {}):
            hook["clientConfig"]["service"].setdefault("port", 443)


_NEED_SPEC = frozenset(
    {
        "pods",
        "daemonsets.apps",
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "jobs.batch",
        "cronjobs.batch",
        "replicationcontrollers",
        "horizontalpodautoscalers.autoscaling",
        "limitranges",
        "persistentvolumeclaims",
        "persistentvolumes",
        "csidrivers.storage.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
    }
)
_BY_KIND: dict[str, Callable[[Object], None]] = {
    "pods": _pod,
    "daemonsets.apps": _daemon_set,
    "deployments.apps": _deployment,
    "replicasets.apps": _replica_set,
    "statefulsets.apps": _stateful_set,
    "jobs.batch": _job,
    "cronjobs.batch": _cron_job,
    "replicationcontrollers": _replication_controller,
    "podtemplates": _pod_template,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "limitranges": _limit_range,
    "endpoints": _endpoints,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "persistentvolumeclaims": claim,
    "persistentvolumes": _volume,
    "storageclasses.storage.k8s.io": _storage_class,
    "csidrivers.storage.k8s.io": _csi_driver,
    "priorityclasses.scheduling.k8s.io": _priority_class,
    "validatingadmissionpolicies.admissionregistration.k8s.io": _admission_policy,
    "services": _service,
    "secrets": _secret,
    "namespaces": _namespace,
    "nodes": _node,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
    "networkpolicies.networking.k8s.io": _network_policy,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
}


def fill_in(storage: str, obj: Object) -> None:
    """Fill in the defaults of an object, in place."""
    if storage in _BY_KIND:
        if storage in _NEED_SPEC:
            obj.setdefault("spec", {})
        _BY_KIND[storage](obj)
