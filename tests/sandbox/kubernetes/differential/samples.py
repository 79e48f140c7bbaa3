"""One good object of each kind that both servers offer, as somebody would write it by hand."""

from __future__ import annotations

from typing import Any

POD = {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]}
TEMPLATE = {"metadata": {"labels": {"app": "sample"}}, "spec": POD}
WORKLOAD = {"selector": {"matchLabels": {"app": "sample"}}, "template": TEMPLATE}
_JOB = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
_SUBJECTS = [
    {"kind": "User", "name": "somebody@example.com"},
    {"kind": "ServiceAccount", "name": "default", "namespace": "default"},
]
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_RULE = {"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["things"]}
_HOOK = {
    "name": "hook.example.com",
    "clientConfig": {"service": {"namespace": "default", "name": "hook"}},
    # Nothing that any test makes matches, so that no write ever waits for a server that is not there.
    "rules": [_RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
_MATCH = {"resourceRules": [_RULE]}
_ABOUT = {"apiVersion": "v1", "kind": "Pod", "name": "sample", "namespace": "{namespace}"}
_NOON = "2026-01-01T12:00:00Z"

# What an object of a kind has beside its name; `{namespace}` stands for its namespace. A kind that is not here is only read.
SAMPLES: dict[str, dict[str, Any]] = {
    "configmaps": {"data": {"a": "1", "b": "two\nlines\n"}, "binaryData": {"c": "AAEC"}},
    "endpoints": {"subsets": [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"name": "http", "port": 80}]}]},
    "events": {"involvedObject": _ABOUT, "reason": "Tried", "message": "for a while", "type": "Warning", "count": 2, "firstTimestamp": _NOON, "lastTimestamp": _NOON, "source": {"component": "somebody"}},
    "events.events.k8s.io": {"regarding": _ABOUT, "reason": "Tried", "note": "for a while", "type": "Normal", "eventTime": "2026-01-01T12:00:00.000000Z", "action": "Try", "reportingController": "example.com/tester", "reportingInstance": "tester-1"},
    "limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "64"}}]}},
    "namespaces": {},
    "nodes": {"spec": {"podCIDR": "10.65.9.0/24"}},
    "persistentvolumeclaims": {"spec": _CLAIM},
    "persistentvolumes": {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}},
    "pods": {"spec": POD},
    "podtemplates": {"template": TEMPLATE},
    "replicationcontrollers": {"spec": {"selector": {"app": "sample"}, "template": TEMPLATE}},
    "resourcequotas": {"spec": {"hard": {"configmaps": "1000"}}},
    "secrets": {"data": {"a": "MQ=="}, "stringData": {"b": "2"}},
    "serviceaccounts": {"imagePullSecrets": [{"name": "registry"}]},
    "services": {"spec": {"selector": {"app": "sample"}, "ports": [{"port": 80}]}},
    "controllerrevisions.apps": {"data": {"x": 1}, "revision": 1},
    "daemonsets.apps": {"spec": WORKLOAD},
    "deployments.apps": {"spec": WORKLOAD},
    "replicasets.apps": {"spec": WORKLOAD},
    "statefulsets.apps": {"spec": {**WORKLOAD, "serviceName": "sample", "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": _CLAIM}]}},
    "cronjobs.batch": {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": _JOB}}},
    "jobs.batch": {"spec": _JOB},
    "clusterrolebindings.rbac.authorization.k8s.io": {"subjects": _SUBJECTS, "roleRef": {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}},
    "clusterroles.rbac.authorization.k8s.io": {"rules": _RULES},
    "rolebindings.rbac.authorization.k8s.io": {"subjects": _SUBJECTS, "roleRef": {"kind": "Role", "name": "sample"}},
    "roles.rbac.authorization.k8s.io": {"rules": _RULES},
    "leases.coordination.k8s.io": {"spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 60, "renewTime": "2026-01-01T12:00:00.000000Z"}},
    "ingressclasses.networking.k8s.io": {"spec": {"controller": "example.com/ingress"}},
    "ingresses.networking.k8s.io": {"spec": {"rules": [{"host": "app.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "sample", "port": {"number": 80}}}}]}}]}},
    "networkpolicies.networking.k8s.io": {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}},
    "servicecidrs.networking.k8s.io": {"spec": {"cidrs": ["10.97.0.0/24"]}},
    "poddisruptionbudgets.policy": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "sample"}}}},
    "csidrivers.storage.k8s.io": {"spec": {}},
    "csinodes.storage.k8s.io": {"spec": {"drivers": [{"name": "disk.example.com", "nodeID": "1", "topologyKeys": None}]}},
    "csistoragecapacities.storage.k8s.io": {"storageClassName": "sample", "capacity": "1Gi"},
    "storageclasses.storage.k8s.io": {"provisioner": "example.com/disk"},
    "volumeattachments.storage.k8s.io": {"spec": {"attacher": "disk.example.com", "nodeName": "node-1", "source": {"persistentVolumeName": "sample"}}},
    "volumeattributesclasses.storage.k8s.io": {"driverName": "example.com/disk", "parameters": {"iops": "1"}},
    "priorityclasses.scheduling.k8s.io": {"value": 1000},
    "endpointslices.discovery.k8s.io": {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.7"]}], "ports": [{"name": "http", "port": 80}]},
    "horizontalpodautoscalers.autoscaling": {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample"}, "maxReplicas": 3}},
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": {"webhooks": [_HOOK]},
    "validatingwebhookconfigurations.admissionregistration.k8s.io": {"webhooks": [_HOOK]},
    "validatingadmissionpolicies.admissionregistration.k8s.io": {"spec": {"matchConstraints": _MATCH, "validations": [{"expression": "true"}]}},
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": {"spec": {"policyName": "sample", "validationActions": ["Deny"]}},
}  # fmt: skip
