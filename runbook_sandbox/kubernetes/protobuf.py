"""Read the protobuf bodies that kubectl's typed commands send: create, can-i, drain, delete.

Only the messages that those commands send are known. Answers are JSON, which the clients accept too.
Source of the field numbers: https://github.com/kubernetes/api, the published wire format, which never changes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from runbook_sandbox.kubernetes.problems import unsupported_media

MAGIC = b"k8s\x00"
_META = "1 metadata ObjectMeta"
_OBJECT = "1 metadata ObjectMeta|2 spec {0}Spec"
# number, JSON name, type; `*` marks a list, `%` a map whose keys are text, `^` a message whose fields stand in its place.
_MESSAGES = {
    "ObjectMeta": "1 name s|2 generateName s|3 namespace s|5 uid s|6 resourceVersion s|7 generation i|"
    "8 creationTimestamp Time|11 labels %s|12 annotations %s|13 ownerReferences *OwnerReference|"
    "14 finalizers *s",
    "OwnerReference": "1 kind s|3 name s|4 uid s|5 apiVersion s|6 controller b|7 blockOwnerDeletion b",
    "Time": "1 seconds i|2 nanos i",
    "DeleteOptions": "1 gracePeriodSeconds i|2 preconditions Preconditions|3 orphanDependents b|4 propagationPolicy s|"
    "5 dryRun *s",
    "Preconditions": "1 uid s|2 resourceVersion s",
    "LabelSelector": "1 matchLabels %s|2 matchExpressions *LabelSelectorRequirement",
    "LabelSelectorRequirement": "1 key s|2 operator s|3 values *s",
    "ConfigMap": f"{_META}|2 data %s|3 binaryData %y|4 immutable b",
    "Secret": f"{_META}|2 data %y|3 type s|4 stringData %s|5 immutable b",
    "ServiceAccount": f"{_META}|2 secrets *ObjectReference|3 imagePullSecrets *LocalObjectReference|"
    "4 automountServiceAccountToken b",
    "ObjectReference": "1 kind s|2 namespace s|3 name s|4 uid s|5 apiVersion s|6 resourceVersion s|7 fieldPath s",
    "LocalObjectReference": "1 name s",
    "Namespace": f"{_META}|2 spec NamespaceSpec",
    "NamespaceSpec": "1 finalizers *s",
    "Eviction": f"{_META}|2 deleteOptions DeleteOptions",
    "Role": f"{_META}|2 rules *PolicyRule",
    "ClusterRole": f"{_META}|2 rules *PolicyRule|3 aggregationRule Aggregation",
    "Aggregation": "1 clusterRoleSelectors *LabelSelector",
    "PolicyRule": "1 verbs *s|2 apiGroups *s|3 resources *s|4 resourceNames *s|5 nonResourceURLs *s",
    "RoleBinding": f"{_META}|2 subjects *Subject|3 roleRef RoleRef",
    "ClusterRoleBinding": f"{_META}|2 subjects *Subject|3 roleRef RoleRef",
    "Subject": "1 kind s|2 apiGroup s|3 name s|4 namespace s",
    "RoleRef": "1 apiGroup s|2 kind s|3 name s",
    "Deployment": _OBJECT.format("Deployment"),
    "DeploymentSpec": "1 replicas i|2 selector LabelSelector|3 template PodTemplateSpec|5 minReadySeconds i|"
    "6 revisionHistoryLimit i|7 paused b|9 progressDeadlineSeconds i",
    "Job": _OBJECT.format("Job"),
    "JobSpec": "1 parallelism i|2 completions i|3 activeDeadlineSeconds i|4 selector LabelSelector|5 manualSelector b|"
    "6 template PodTemplateSpec|7 backoffLimit i|8 ttlSecondsAfterFinished i",
    "Pod": _OBJECT.format("Pod"),
    "PodTemplateSpec": _OBJECT.format("Pod"),
    "PodSpec": "2 containers *Container|3 restartPolicy s|4 terminationGracePeriodSeconds i|6 dnsPolicy s|"
    "7 nodeSelector %s|8 serviceAccountName s|10 nodeName s|15 imagePullSecrets *LocalObjectReference|"
    "20 initContainers *Container",
    "Container": "1 name s|2 image s|3 command *s|4 args *s|5 workingDir s|6 ports *ContainerPort|7 env *EnvVar|"
    "14 imagePullPolicy s",
    "ContainerPort": "1 name s|2 hostPort i|3 containerPort i|4 protocol s|5 hostIP s",
    "EnvVar": "1 name s|2 value s",
    "Service": _OBJECT.format("Service"),
    "ServiceSpec": "1 ports *ServicePort|2 selector %s|3 clusterIP s|4 type s|10 externalName s",
    "ServicePort": "1 name s|2 protocol s|3 port i|4 targetPort IntOrString|5 nodePort i",
    "IntOrString": "1 type i|2 intVal i|3 strVal s",
    "CertificateSigningRequest": f"{_META}|2 spec CertificateSpec|3 status CertificateStatus",
    "CertificateSpec": "1 request y|2 username s|3 uid s|4 groups *s|5 usages *s|7 signerName s|8 expirationSeconds i",
    "CertificateStatus": "1 conditions *CertificateCondition|2 certificate y",
    "CertificateCondition": "1 type s|2 reason s|3 message s|4 lastUpdateTime Time|5 lastTransitionTime Time|6 status s",
    "CronJob": _OBJECT.format("CronJob"),
    "CronJobSpec": "1 schedule s|2 startingDeadlineSeconds i|3 concurrencyPolicy s|4 suspend b|"
    "5 jobTemplate JobTemplateSpec|6 successfulJobsHistoryLimit i|7 failedJobsHistoryLimit i|8 timeZone s",
    "JobTemplateSpec": _OBJECT.format("Job"),
    "PodDisruptionBudget": _OBJECT.format("PodDisruptionBudget"),
    "PodDisruptionBudgetSpec": "1 minAvailable IntOrString|2 selector LabelSelector|3 maxUnavailable IntOrString|"
    "4 unhealthyPodEvictionPolicy s",
    "PriorityClass": f"{_META}|2 value i|3 globalDefault b|4 description s|5 preemptionPolicy s",
    "ResourceQuota": _OBJECT.format("ResourceQuota"),
    "ResourceQuotaSpec": "1 hard %Quantity|2 scopes *s",
    "Quantity": "1 string s",
    "Ingress": _OBJECT.format("Ingress"),
    "IngressSpec": "1 defaultBackend IngressBackend|2 tls *IngressTLS|3 rules *IngressRule|4 ingressClassName s",
    "IngressTLS": "1 hosts *s|2 secretName s",
    "IngressRule": "1 host s|2 value ^IngressRuleValue",
    "IngressRuleValue": "1 http HTTPIngressRuleValue",
    "HTTPIngressRuleValue": "1 paths *HTTPIngressPath",
    "HTTPIngressPath": "1 path s|2 backend IngressBackend|3 pathType s",
    "IngressBackend": "3 resource TypedLocalObjectReference|4 service IngressServiceBackend",
    "TypedLocalObjectReference": "1 apiGroup s|2 kind s|3 name s",
    "IngressServiceBackend": "1 name s|2 port ServiceBackendPort",
    "ServiceBackendPort": "1 name s|2 number i",
    "HorizontalPodAutoscaler": _OBJECT.format("HorizontalPodAutoscaler"),
    "HorizontalPodAutoscalerSpec": "1 scaleTargetRef ScaleTarget|2 minReplicas i|3 maxReplicas i|4 metrics *MetricSpec",
    "ScaleTarget": "1 kind s|2 name s|3 apiVersion s",
    "MetricSpec": "1 type s|4 resource ResourceMetricSource",
    "ResourceMetricSource": "1 name s|2 target MetricTarget",
    "MetricTarget": "1 type s|2 value Quantity|3 averageValue Quantity|4 averageUtilization i",
    "SelfSubjectAccessReview": _OBJECT.format("SelfSubjectAccessReview"),
    "SelfSubjectAccessReviewSpec": "1 resourceAttributes ResourceAttributes|2 nonResourceAttributes NonResource",
    "ResourceAttributes": "1 namespace s|2 verb s|3 group s|4 version s|5 resource s|6 subresource s|7 name s",
    "NonResource": "1 path s|2 verb s",
    "SelfSubjectRulesReview": _OBJECT.format("SelfSubjectRulesReview"),
    "SelfSubjectRulesReviewSpec": "1 namespace s",
    "SelfSubjectReview": _META,
    "TokenRequest": _OBJECT.format("TokenRequest"),
    "TokenRequestSpec": "1 audiences *s|3 boundObjectRef BoundObjectReference|4 expirationSeconds i",
    "BoundObjectReference": "1 kind s|2 apiVersion s|3 name s|4 uID s",
}


def is_protobuf(body: bytes) -> bool:
    """Tell whether a body is in the API's protobuf envelope."""
    return body.startswith(MAGIC)


def decode(body: bytes) -> dict[str, Any]:
    """Return the object of a protobuf body.

    Raises:
        Problem: 415 for a message that kubectl's commands do not send.
    """
    envelope = dict(_wire(body[len(MAGIC) :]))
    version, name = (value.decode() for _, value in sorted(dict(_wire(envelope[1])).items()))
    if name not in _MESSAGES:
        raise unsupported_media()
    return {"apiVersion": version, "kind": name} | _message(name, envelope[2])


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 2:
            length, at = _varint(data, at)
            yield tag >> 3, data[at : at + length]
            at += length
        else:
            value, at = _varint(data, at)
            yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return (value - (1 << 64) if value >> 63 else value), at


def _message(name: str, data: bytes) -> dict[str, Any]:
    fields = {int(row.split()[0]): row.split()[1:] for row in _MESSAGES[name].split("|")}
    found: dict[str, Any] = {}
    for number, raw in _wire(data):
        if number in fields:
            key, kind = fields[number]
            _store(found, key, kind, raw)
    return found


def _store(found: dict[str, Any], key: str, kind: str, raw: Any) -> None:
    if kind.startswith("*"):
        found.setdefault(key, []).append(_value(kind[1:], raw))
    elif kind.startswith("^"):
        found |= _message(kind[1:], raw)
    elif kind.startswith("%"):
        entry = dict(_wire(raw))
        found.setdefault(key, {})[entry[1].decode()] = _value(kind[1:], entry.get(2, b""))
    else:
        value = _value(kind, raw)
        # The wire carries zero values that JSON leaves out.
        if value not in ("", None) and (value != {} or kind in {"LabelSelector", "Preconditions"}):
            found[key] = value


def _value(kind: str, raw: Any) -> Any:
    scalars: dict[str, Callable[[], Any]] = {
        "s": lambda: raw.decode(),  # noqa: PLW0108 - not every raw value has it
        "y": lambda: base64.b64encode(raw).decode(),
        "i": lambda: raw,
        "b": lambda: bool(raw),
    }
    if kind in scalars:
        return scalars[kind]()
    found = _message(kind, raw)
    if kind == "Time":
        return datetime.fromtimestamp(found["seconds"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if found else None
    if kind == "Quantity":
        return found.get("string", "0")
    if kind == "IntOrString":
        return found.get("strVal", "") if found.get("type") else found.get("intVal", 0)
    return found
