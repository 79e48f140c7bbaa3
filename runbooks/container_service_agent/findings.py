"""Which service agent lacks its role."""

from __future__ import annotations

from collections.abc import Iterator

from remediation import Finding, ProjectIamMember

from .gke import FailedOperations
from .situation import SERVICE, Situation


def findings(now: Situation) -> Iterator[Finding]:
    """Yield one finding for each role that is missing, and one for each other project that has to grant one."""
    address = f"iam/projects/{now.project}"
    if not now.enabled:
        yield Finding("not_applicable", f"{SERVICE} is not enabled", address)
        return
    failed = now.facts(FailedOperations(now.project)) or ()
    evidence = tuple(text for text in failed if "DeployPatch failed" in text)
    lacking = now.lacking
    yield from (_lacks(now, item, evidence) for item in lacking)
    if not lacking:
        yield Finding("healthy", "the GKE service agent has its role", address, evidence)
    for host, text in now.hosts.items():
        yield Finding("unknown", text, f"iam/projects/{host}")


def _lacks(now: Situation, grant: ProjectIamMember, evidence: tuple[str, ...]) -> Finding:
    """Report a missing grant; other roles of the same agent may hold what it needs."""
    others = now.others(grant)
    return Finding(
        "fault",
        f"{grant.member.partition(':')[2]} lacks {grant.role}"
        + (f", but has {', '.join(others)}, which may hold the same permissions" if others else ""),
        f"iam/projects/{grant.project}",
        evidence or ("no such binding in the project's policy",),
        "probable" if others else "certain",
        excluded=("the API is enabled",),
        parameters={"project": grant.project},
    )
