"""What even a green outcome does not prove."""

from __future__ import annotations

from remediation import Caution, Steps, Unchecked

from .situation import Situation
from .wish import Wish

_PROBE = (
    "only a probe from a pod proves it: "
    "kubectl run probe --rm -i --restart=Never --image=busybox -- nc -zv -w 5 {address} PORT"
)


def not_proven(now: Situation, wish: Wish) -> Steps:
    """Say what could not be looked at, what is wrong beside the wish, and what only a person can try."""
    yield from now.protected.unchecked
    yield from (Caution("present configuration", message) for message in now.agent.harmful)
    if wish.masquerade:
        first = wish.masquerade[0]
        address = str(first.network_address) if first.prefixlen == first.max_prefixlen else "ADDRESS"
        yield Unchecked("whether pods now reach the destination", _PROBE.format(address=address))
    elif not now.agent.rejected:
        yield Unchecked("destinations", "no --masquerade was given, and the agent accepts its configuration")
