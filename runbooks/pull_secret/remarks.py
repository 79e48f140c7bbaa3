"""What nobody looked at, and what a reader should know before agreeing."""

from __future__ import annotations

from remediation import Caution, Note, Steps, Unchecked

from .artifacts import NOT_ASKED
from .situation import Situation


def not_asked(now: Situation) -> Steps:
    """Say that nobody knows what the account of a key file may read."""
    yield Unchecked(f"that {now.given.account} may read the images", NOT_ASKED)


def open_questions(namespace: str, service_account: str) -> Steps:
    """Say what the credentials are good for beside this, and who else gets them."""
    yield Note("a grant instead of a key", "roles/artifactregistry.reader for the nodes' account would need no secret")
    yield Caution("what else the account may do", "whoever gets the key may do all of it; it should only read images")
    yield Unchecked("where else the key is used", "IAM does not tell; use a key of its own for each cluster")
    if service_account == "default":
        reason = f"new pods of {namespace} that name no service account carry the secret too"
        yield Caution("who else gets the secret", reason)
