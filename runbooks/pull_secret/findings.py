"""Who cannot pull from where, and whether credentials repair that."""

from __future__ import annotations

from collections.abc import Iterator

from remediation import CREDENTIALS, Cluster, Facts, FailedPull, FailedPulls, Finding, PullFailure, may_not_exist

# What credentials do not repair.
_OTHER = {
    PullFailure.NOT_FOUND: "the image does not exist: check its name and tag",
    PullFailure.NETWORK: "there is no path from the node to the registry",
    PullFailure.DNS: "the node cannot resolve the registry's name",
    PullFailure.POLICY: "a VPC Service Controls perimeter forbids it",
    PullFailure.PLATFORM: "there is no such image for the node's platform",
}


def findings(target: Cluster, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each service account and registry."""
    found = [_finding(item) for item in facts(FailedPulls())]
    yield from found or [Finding("healthy", "no pod waits for an image")]


def _finding(failed: FailedPull) -> Finding:
    who = f"pods of {failed.namespace}/{failed.service_account} cannot pull from {failed.host}"
    pod = f"pod/{failed.namespace}/{failed.pod}"
    if failed.kind is PullFailure.UNKNOWN:
        return Finding("unknown", f"{who}: it is not said why, see the events of {pod}", pod, failed.messages)
    if failed.kind not in CREDENTIALS:
        return Finding("not_applicable", f"{who}: {_OTHER[failed.kind]}", pod, failed.messages)
    parameters = {"namespace": failed.namespace, "registry": failed.host, "service-account": failed.service_account}
    parameters |= {"from-key-file": "KEY.json"} | ({"secret": failed.missing} if failed.missing else {})
    if failed.missing:
        who += f": there is no pull secret {failed.missing}"
        return Finding("fault", who, pod, failed.messages, "probable", parameters=parameters)
    unsure = any(map(may_not_exist, failed.messages))
    who += "; the registry says the same where there is no such repository" if unsure else ""
    return Finding("fault", who, pod, failed.messages, "possible" if unsure else "probable", parameters=parameters)
