"""What a run writes: the agent's configuration, the mark that restarts it, and the agent itself where there is none."""

from __future__ import annotations

from remediation import KubernetesObject, manifest

from .agent import CONFIG_ANNOTATION, KEY, NAME, NAMESPACE

_DAEMON_SET = ("apps/v1", "DaemonSet", NAME, NAMESPACE)


def config_map(text: str) -> KubernetesObject:
    """Return the agent's ConfigMap with a text."""
    reason = "the agent's configuration already says so"
    return KubernetesObject("v1", "ConfigMap", NAME, NAMESPACE, {"data": {KEY: text}}, row="NET-02", reason=reason)


def restart(digest: str) -> KubernetesObject:
    """Return the agent's DaemonSet with a pod template that names a configuration, so that it is rolled out anew."""
    annotation = {"spec": {"template": {"metadata": {"annotations": {CONFIG_ANNOTATION: digest}}}}}
    words = {"reason": "restarted for this configuration already", "instead": "--no-restart leaves it alone"}
    return KubernetesObject(*_DAEMON_SET, annotation, may="patch", pods="agents", **words)


def daemonset() -> KubernetesObject:
    """Return the agent as this product deploys it."""
    wanted = manifest(__name__, "daemonset.yaml")
    return KubernetesObject(*_DAEMON_SET, wanted, row="NET-02", may="new", pods="agents")
