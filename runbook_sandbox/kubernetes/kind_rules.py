"""What the API server refuses in objects of one kind.

Source: the validation of each group in https://github.com/kubernetes/kubernetes/tree/master/pkg/apis and the answers of
kube-apiserver 1.36.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Callable
from typing import Any

from runbook_sandbox.kubernetes import names, pod_rules
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.names import Causes, invalid_value
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.pod_rules import PORTS, unsupported
from runbook_sandbox.kubernetes.problems import cause, required
from runbook_sandbox.kubernetes.selectors import OPERATORS, matches

_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_SUBJECTS = ("ServiceAccount", "User", "Group")
_SECRET_KEYS = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_NOT_NEGATIVE = "must be greater than or equal to 0"


def check(kind: Kind, obj: Object) -> Causes:
    """Return the causes for an object of a kind."""
    rule = _RULES.get(kind.plural)
    return rule(obj) if rule else []


def _data(obj: Object) -> Causes:
    causes = [
        invalid_value(f"{field}[{key}]", key, text)
        for field in ("data", "binaryData")
        for key in obj.get(field, {})
        for text in names.config_key(key)
    ]
    twice = [key for key in obj.get("data", {}) if key in obj.get("binaryData", {})]
    return causes + [invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData") for key in twice]


def _secret(obj: Object) -> Causes:
    data, kind = obj.get("data", {}), obj.get("type", "")
    causes = _data(obj) + [required(f"data[{key}]") for key in _SECRET_KEYS.get(kind, ()) if key not in data]
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        causes += [required("data[username]"), required("data[password]")]
    name = "kubernetes.io/service-account.name"
    if kind == "kubernetes.io/service-account-token" and not (obj["metadata"].get("annotations") or {}).get(name):
        causes.append(required(f"metadata.annotations[{name}]"))
    if kind.startswith("kubernetes.io/dockerc"):
        causes += [_no_json(key) for key in _SECRET_KEYS[kind] if key in data and not _is_json(data[key])]
    return causes


def _is_json(encoded: str) -> bool:
    try:
        json.loads(base64.b64decode(encoded))
    except ValueError:
        return False
    return True


def _no_json(key: str) -> dict[str, str]:
    # The real server names the first wrong character, which would be a piece of the secret.
    return invalid_value(
        f"data[{key}]", "<secret contents redacted>", "invalid character looking for beginning of value"
    )


def _workload(obj: Object) -> Causes:
    spec, causes = obj.get("spec", {}), []
    selector, template = spec.get("selector"), spec.get("template", {})
    if spec.get("replicas", 0) < 0:
        causes.append(invalid_value("spec.replicas", spec["replicas"], _NOT_NEGATIVE))
    if selector is None and obj["kind"] != "DaemonSet":
        causes.append(required("spec.selector"))
    elif selector is not None and not any(selector.values()):
        text = f"empty selector is invalid for {obj['kind'].lower()}"
        causes.append(invalid_value("spec.selector", {}, text))
    wrong = _expressions(selector or {})
    found = template.get("metadata", {}).get("labels")
    if not wrong and (selector is None or (any(selector.values()) and not matches(selector, found or {}))):
        text = "`selector` does not match template `labels`"
        causes.append(invalid_value("spec.template.metadata.labels", found, text))
    return [*causes, *wrong, *_template(template, "spec.template")]


def _expressions(selector: dict[str, Any]) -> Causes:
    path = "spec.selector.matchExpressions[{}].operator"
    return [
        invalid_value(path.format(index), each.get("operator"), "not a valid selector operator")
        for index, each in enumerate(selector.get("matchExpressions") or ())
        if each.get("operator") not in OPERATORS
    ]


def _template(template: dict[str, Any], path: str) -> Causes:
    labels = names.labels(template.get("metadata", {}).get("labels") or {}, f"{path}.metadata.labels")
    return labels + pod_rules.spec(template.get("spec", {}), f"{path}.spec")


def _deployment(obj: Object) -> Causes:
    strategy = obj.get("spec", {}).get("strategy", {})
    return _workload(obj) + _strategy("spec.strategy", strategy, ("Recreate", "RollingUpdate"))


def _daemon_set(obj: Object) -> Causes:
    strategy = obj.get("spec", {}).get("updateStrategy", {})
    return _workload(obj) + _strategy("spec.updateStrategy", strategy, ("RollingUpdate", "OnDelete"))


def _stateful_set(obj: Object) -> Causes:
    strategy = obj.get("spec", {}).get("updateStrategy", {})
    if strategy.get("type") in {"RollingUpdate", "OnDelete"}:
        return _workload(obj)
    text = "must be 'RollingUpdate' or 'OnDelete'"
    return [invalid_value("spec.updateStrategy", _go_strategy(strategy), text), *_workload(obj)]


def _strategy(field: str, strategy: dict[str, Any], supported: tuple[str, ...]) -> Causes:
    if strategy.get("type") in supported:
        return []
    shown, listed = (
        json.dumps(_go_strategy(strategy), separators=(",", ":")),
        ", ".join(f'"{each}"' for each in supported),
    )
    return [cause(field, f"Unsupported value: {shown}: supported values: {listed}", "FieldValueNotSupported")]


def _go_strategy(strategy: dict[str, Any]) -> dict[str, Any]:
    return {"Type": strategy.get("type"), "RollingUpdate": None}


def _replication_controller(obj: Object) -> Causes:
    spec = obj.get("spec", {})
    causes = [] if spec.get("selector") else [required("spec.selector")]
    if "template" not in spec:
        return [*causes, required("spec.template")]
    return causes + _template(spec["template"], "spec.template")


def _job(obj: Object) -> Causes:
    return _job_template(obj.get("spec", {}), "spec")


def _cron_job(obj: Object) -> Causes:
    return _job_template(obj.get("spec", {}).get("jobTemplate", {}).get("spec", {}), "spec.jobTemplate.spec")


def _job_template(spec: dict[str, Any], path: str) -> Causes:
    template = spec.get("template", {})
    causes = _template(template, f"{path}.template")
    if template.get("spec", {}).get("restartPolicy", "Always") == "Always":
        causes.append(required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    return causes


def _pod(obj: Object) -> Causes:
    return pod_rules.spec(obj.get("spec", {}), "spec")


def _pod_template(obj: Object) -> Causes:
    return _template(obj.get("template", {}), "template")


def _service(obj: Object) -> Causes:
    spec = obj.get("spec", {})
    ports, causes = spec.get("ports", []), []
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        causes.append(required("spec.ports"))
    for index, each in enumerate(ports):
        causes += [required(f"spec.ports[{index}].name")] if len(ports) > 1 and not each.get("name") else []
        for field in ("port", "targetPort"):
            value = each.get(field)
            if isinstance(value, int) and not 0 < value < 65536:
                causes.append(invalid_value(f"spec.ports[{index}].{field}", value, PORTS))
    if spec.get("type") not in _SERVICE_TYPES:
        causes.append(unsupported("spec.type", spec.get("type"), _SERVICE_TYPES))
    return causes + _cluster_ip(spec.get("clusterIP", ""))


def _cluster_ip(address: str) -> Causes:
    if address in {"", "None"}:
        return []
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return [
            invalid_value(
                "spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            )
        ]
    return []


def _autoscaler(obj: Object) -> Causes:
    most, least = obj["spec"].get("maxReplicas", 0), obj["spec"].get("minReplicas", 1)
    causes = [] if most > 0 else [required("spec.maxReplicas", "must be set and greater than 0")]
    if most < least:
        causes.append(invalid_value("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    return causes


def _role(obj: Object) -> Causes:
    return [
        required(f"rules[{index}].verbs", "verbs must contain at least one value")
        for index, rule in enumerate(obj.get("rules") or ())
        if not rule.get("verbs")
    ]


def _binding(obj: Object) -> Causes:
    kinds = ("Role", "ClusterRole") if obj["kind"] == "RoleBinding" else ("ClusterRole",)
    reference = obj.get("roleRef", {})
    found = reference.get("kind", "")
    causes = [] if found in kinds else [unsupported("roleRef.kind", found, kinds)]
    causes += [] if reference.get("name") else [required("roleRef.name")]
    return causes + [
        unsupported(f"subjects[{index}].kind", each.get("kind"), _SUBJECTS)
        for index, each in enumerate(obj.get("subjects") or ())
        if each.get("kind") not in _SUBJECTS
    ]


def _claim(obj: Object) -> Causes:
    spec, causes = obj.get("spec", {}), []
    if not spec.get("accessModes"):
        causes.append(required("spec.accessModes", "at least 1 access mode is required"))
    if "storage" not in spec.get("resources", {}).get("requests", {}):
        causes.append(required("spec.resources[storage]"))
    return causes


def _event(obj: Object) -> Causes:
    place = obj.get("involvedObject", {}).get("namespace", "")
    if place == obj["metadata"].get("namespace") or (not place and obj["metadata"].get("namespace") == "default"):
        return []
    return [invalid_value("involvedObject.namespace", place, "does not match event.namespace")]


_RULES: dict[str, Callable[[Object], Causes]] = {
    "configmaps": _data,
    "secrets": _secret,
    "deployments": _deployment,
    "daemonsets": _daemon_set,
    "replicasets": _workload,
    "statefulsets": _stateful_set,
    "replicationcontrollers": _replication_controller,
    "jobs": _job,
    "cronjobs": _cron_job,
    "pods": _pod,
    "podtemplates": _pod_template,
    "services": _service,
    "horizontalpodautoscalers": _autoscaler,
    "roles": _role,
    "clusterroles": _role,
    "rolebindings": _binding,
    "clusterrolebindings": _binding,
    "persistentvolumeclaims": _claim,
    "events": _event,
}
