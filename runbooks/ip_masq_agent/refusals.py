"""What a run refuses to do, each with the way on."""

from __future__ import annotations

from remediation import advice, allow, command, few, need, repeat

from .agent import NAME, NAMESPACE, Agent
from .by_hand import DEPLOY, EDIT, EDIT_CONFIG
from .config import MasqueradeConfig
from .offers import cures, require_limit
from .situation import Situation
from .wish import Wish


def require_possible(now: Situation, wish: Wish) -> None:
    """Refuse what cannot be done on this cluster."""
    need(
        not now.protected.autopilot,
        "this is an Autopilot cluster, where EgressNATPolicy decides and not the agent's ConfigMap",
        command("kubectl", "edit", "egressnatpolicies.networking.gke.io", "default"),
    )
    runs = now.agent.daemonset is not None
    allow(
        wish.masquerade or runs or (wish.deploys and now.agent.text is not None),
        "--masquerade is empty and no agent runs here; allowed is at least one CIDR",
    )
    if not runs:
        _require_deployable(now, wish)
    six = [str(item) for item in wish.masquerade if item.version == 6]
    need(
        now.agent.ipv6 or not six,
        f"an agent without --enable-ipv6 does nothing for {', '.join(six)}",
        (
            advice("add --enable-ipv6: {}", command("kubectl", "-n", NAMESPACE, "edit", "daemonset", NAME)),
            advice("leave these ranges out"),
        ),
    )


def _require_deployable(now: Situation, wish: Wish) -> None:
    """Refuse to deploy an agent that nobody asked for, or that would change more than was asked for."""
    need(
        not now.no_snat,
        "no agent runs here and default SNAT is disabled, so pods keep their address towards every destination; "
        "an agent would masquerade all that is not on its list, and going away would not give that back",
        DEPLOY,
    )
    need(
        wish.deploys,
        "no DaemonSet kube-system/ip-masq-agent exists, so a configuration has no effect",
        repeat("--deploy-agent"),
    )
    need(
        now.protected.default_snat is not None,
        "whether default SNAT is on is not known, and where it is off an agent would masquerade all that is not on "
        "its list",
        advice(
            "name the cluster, so that the GKE API can be asked: --project PROJECT --location LOCATION --cluster CLUSTER"
        ),
    )


def require_sound(agent: Agent, wish: Wish, *, repairs: bool) -> None:
    """Refuse to build on a configuration that has to be put right first, and offer what does that."""
    wrong = [] if repairs else agent.rejected
    ways = (*cures(agent, wish), EDIT)
    need(not wrong, "the agent rejects its configuration: " + " ".join(wrong), ways)
    need(not agent.refused, "no change can build on this configuration: " + " ".join(agent.refused), ways)
    ignored = "the agent ignores settings: " + " ".join(agent.ignored)
    need(wish.masquerade or not agent.ignored, ignored, ways)


def require_harmless(now: Situation, config: MasqueradeConfig, wish: Wish) -> None:
    """Refuse what would harm more than the fault."""
    agent = now.agent
    before = agent if now.present.rejected else now.present
    lost = now.protected.lost(before.config, config)
    need(
        not lost,
        f"these must keep seeing pod addresses and would not: {few(lost, 5)}",
        advice("choose a --masquerade range that does not overlap them") if wish.masquerade else EDIT,
    )
    require_limit(agent, now.protected, wish)
    dropped = config.lost_comments(agent.text) if agent.text else []
    need(
        not dropped,
        f"these comments of the configuration would be lost: {few(dropped)}",
        advice("remove them, or edit it by hand: {}", EDIT_CONFIG),
    )
    outside = [str(item) for item in wish.masquerade if not config.masquerades(item)]
    kept = f"{', '.join(outside)} cannot be masqueraded this way; the agent itself keeps link-local ranges"
    told = advice("write masqLinkLocal: true (masqLinkLocalIPv6 for IPv6) into it: {}", EDIT_CONFIG)
    need(not outside, kept, (told, advice("leave these ranges out")))
