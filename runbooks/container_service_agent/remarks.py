"""What nobody looked at, and what only a person can do."""

from __future__ import annotations

from remediation import Caution, Note, ProjectIamMember, Steps, Unchecked

from .situation import Situation


def open_questions(now: Situation, lacking: list[ProjectIamMember]) -> Steps:
    """Say it."""
    for item in lacking:
        if others := now.others(item):
            yield Unchecked(
                f"that {item.role} is what is missing", f"{', '.join(others)} may hold the same permissions"
            )
    if not now.use.clusters:
        reason = "its clusters cannot be listed" if now.use.clusters is None else "there is no cluster that could tell"
        yield Unchecked("the agent for nodes of 1.33 and later, and Shared VPC", reason)
    yield from (Caution("Shared VPC", text) for text in now.hosts.values())
    yield Note(
        "the GKE operation that failed", "start it again; it can take minutes until the grant is effective everywhere"
    )
    yield Unchecked("who removed the role", "google_project_iam_binding or _policy in Terraform would remove it again")
