"""What a reader should know of a node before agreeing."""

from __future__ import annotations

from remediation import Evidence, Note, Steps, Unchecked, image_host

from .addressing import NodeAddressing
from .situation import Situation


def told(now: Situation, item: NodeAddressing, image: str) -> Steps:
    """Say what the plan builds on, what cures the cause, and whether the image can come."""
    yield Evidence("addresses in use", f"{item.numbers}, says {item.origin}")
    yield Note("what cures the cause", f"{item.node}: {now.cure(item)}")
    if image_host(image) == "docker.io" and not item.external and not _has(item, image):
        yield Unchecked(
            f"that {item.node} can pull the image",
            "it is on Docker Hub, and the node has no address outside: without Cloud NAT give a copy in your own registry "
            "with --image",
        )


def _has(item: NodeAddressing, image: str) -> bool:
    """Tell whether a node has an image; the digest says which, whatever it is called there."""
    return any(name.rpartition("@")[2] == image.rpartition("@")[2] for name in item.images if "@" in name)
