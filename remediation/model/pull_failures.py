"""Why an image could not be pulled, told by the message of the event or of the waiting container.

Source: https://cloud.google.com/kubernetes-engine/docs/troubleshooting/image-pulls and the image_pull runbook of
https://github.com/GoogleCloudPlatform/gcpdiag.
"""

import re
from enum import StrEnum
from typing import Final


class PullFailure(StrEnum):
    """The kind of failure; each needs another remedy."""

    FORBIDDEN = "forbidden"  # the identity is known and lacks the right to read
    UNAUTHORIZED = "unauthorized"  # no credentials, wrong ones, or a missing OAuth scope
    SECRET_MISSING = "secret_missing"  # noqa: S105 - the pull secret is not in the pod's namespace
    NOT_FOUND = "not_found"  # wrong name or tag; grant nothing until the image is proven to exist
    NETWORK = "network"  # no path from the node to the registry
    DNS = "dns"  # the node cannot resolve the registry's name
    POLICY = "policy"  # a VPC Service Controls perimeter
    PLATFORM = "platform"  # no image for the node's architecture
    UNKNOWN = "unknown"


# Gaps have a limit, so that a search takes a time in proportion to the text.
# Most specific first. A status code is an answer of the registry, so it outranks every sign of a broken path; and a
# token that was refused means bad credentials although its text ends in "403 Forbidden".
_RULES: Final = (
    (r"request is prohibited by organization'?s policy", PullFailure.POLICY),
    (r"unable to retrieve some image pull secrets", PullFailure.SECRET_MISSING),
    (r"no match for platform in manifest|exec format error", PullFailure.PLATFORM),
    # Told to who shows no credentials, although the rest reads like a right that is missing.
    (r"\bunauthenticated request", PullFailure.UNAUTHORIZED),
    (r'denied: permission "artifactregistry\.', PullFailure.FORBIDDEN),
    (r"failed to fetch (oauth|anonymous) token: unexpected status.{0,1000}?: 40[13]\b", PullFailure.UNAUTHORIZED),
    (r"\binsufficient_scope\b|\b401 unauthorized\b", PullFailure.UNAUTHORIZED),
    (r"\b403 forbidden\b", PullFailure.FORBIDDEN),
    # A name that cannot be resolved also ends in "i/o timeout" when the resolver does not answer.
    (r"\bno such host\b|\blookup \S.{0,1000}?(server misbehaving|i/o timeout)", PullFailure.DNS),
    (r"\bi/o timeout\b|\bconnection refused\b|\btls handshake timeout\b", PullFailure.NETWORK),
    (r"\bno route to host\b|\bnetwork is unreachable\b|\bconnection reset by peer\b", PullFailure.NETWORK),
    # A missing program or a missing mount is a fault of the container, not of the pull.
    (r"executable file not found|(secret|configmap)s? \S+ not found", PullFailure.UNKNOWN),
    (r"\bmanifest unknown\b|\bname unknown\b|\bnot found\b", PullFailure.NOT_FOUND),
)
# Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_COMPILED: Final = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), failure) for pattern, failure in _RULES)


def classify_pull_failure(message: str) -> PullFailure:
    """Tell from the text of an event or of `state.waiting.message` why a pull failed."""
    return next((failure for pattern, failure in _COMPILED if pattern.search(message)), PullFailure.UNKNOWN)


def may_not_exist(message: str) -> bool:
    """Tell whether the registry leaves open if there is such a repository at all, as Artifact Registry does."""
    return "or it may not exist" in message


def missing_secrets(message: str) -> tuple[str, ...]:
    """Return the names of the pull secrets that a kubelet did not find, from its event FailedToRetrieveImagePullSecret."""
    found = re.search(r"Unable to retrieve some image pull secrets \(([^()]*)\)", message)
    names = (name.strip() for name in (found[1] if found else "").split(","))
    return tuple(name for name in names if _NAME.fullmatch(name))
