"""What is wrong with masquerading on a cluster, judged from the agent, the protected ranges and failed probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from remediation import Finding, events_are_text

from .agent import CONFIG_MAP
from .by_hand import DEPLOY, EDIT, IMMUTABLE, MAKE_ANEW
from .situation import Situation
from .timed_out import TimedOut

_ADDRESS = CONFIG_MAP.ref.address
_UNSEEN = "whether a destination routes to pod addresses is not visible from here"
_TWICE = "the configuration of ip-masq-agent says something twice, and only one of the two counts"
_NO_AGENT = "no ip-masq-agent runs here"
_MOST_SHOWN = 5
_SNAT_UNKNOWN = "whether default SNAT is on is not known: add --project, --location and --cluster"


def findings(now: Situation) -> Iterator[Finding]:
    """Yield one finding, the worst."""
    if now.protected.autopilot:
        yield Finding("not_applicable", "this is an Autopilot cluster, where EgressNATPolicy decides", _ADDRESS)
    else:
        yield _changeable(now, _worst(now))


def _worst(now: Situation) -> Finding:
    if now.agent.daemonset is None:
        return _without_agent(now)
    return _wrong_text(now) or _wrong_effect(now) or _healthy(now)


def _changeable(now: Situation, found: Finding) -> Finding:
    """Return a finding that does not suggest to change what cannot be changed."""
    if not now.agent.immutable or found.status != "fault":
        return found
    return replace(found, evidence=(*found.evidence, IMMUTABLE), by_hand=MAKE_ANEW)


def _without_agent(now: Situation) -> Finding:
    """Judge by what nodes do on their own."""
    if now.no_snat:
        rules = f"{_NO_AGENT} and default SNAT is disabled: pods keep their address towards every destination"
    else:
        rules = f"{_NO_AGENT}: nodes keep pod addresses towards their default ranges, and hide them elsewhere"
    doubt = (_SNAT_UNKNOWN,) if now.protected.default_snat is None else ()
    unread = (f"{_ADDRESS} has no effect without an agent",) if now.agent.text is not None else ()
    if unreached := now.unreached:
        more: dict[str, Any] = {} if now.no_snat else {"deploy-agent": True}
        return _timed_out(now, unreached, (rules, *unread, *doubt), (), more)
    if unread:
        return Finding("fault", unread[0], _ADDRESS, (rules, *doubt), "probable", (), {"deploy-agent": True})
    return Finding("healthy", rules, _ADDRESS, doubt, excluded=(_UNSEEN,))


def _wrong_text(now: Situation) -> Finding | None:
    """Return what is wrong with the configuration as it is written."""
    agent = now.agent
    if agent.unread:
        return Finding("unknown", "the configuration of ip-masq-agent is not read", _ADDRESS, tuple(agent.unread))
    cure = dict.fromkeys(_cure(now), True)
    more: dict[str, Any] = {"parameters": cure, "by_hand": None if cure or agent.repaired is not None else EDIT}
    if agent.rejected:
        summary = "ip-masq-agent rejects its configuration: new and rebooted nodes have the default rules instead"
        return Finding("fault", summary, _ADDRESS, tuple(agent.rejected), **more)
    if agent.refused:
        summary = "ip-masq-agent obeys a setting that does harm" if agent.obeys_harm else _TWICE
        return Finding("fault", summary, _ADDRESS, tuple(agent.refused), **more)
    if agent.ignored:
        summary = "ip-masq-agent ignores settings, and its defaults apply instead"
        return Finding("fault", summary, _ADDRESS, tuple(agent.ignored), "probable", **more)
    return None


def _cure(now: Situation) -> tuple[str, ...]:
    """Return the options that put the text right, where no range of the cluster loses by it."""
    agent = now.agent
    if agent.repaired is not None:  # a run without any option does that
        return ()
    healed = agent.prepared(**dict.fromkeys(agent.cure, True))
    harms = not agent.rejected and now.protected.lost(agent.config, healed.config)
    return () if harms else agent.cure


def _wrong_effect(now: Situation) -> Finding | None:
    """Return what goes wrong under a configuration that is well written."""
    if lost := now.agent.config.covers(now.protected.pods):
        summary = "pod ranges are masqueraded: pods see node addresses of other pods"
        return Finding("fault", summary, _ADDRESS, tuple(map(str, lost)), by_hand=EDIT)
    if unreached := now.unreached:
        return _timed_out(now, unreached, now.agent.harmful, ("the agent accepts its configuration",), {})
    return None


def _timed_out(
    now: Situation, unreached: list[TimedOut], evidence: Sequence[str], excluded: tuple[str, ...], more: dict[str, Any]
) -> Finding:
    first = str(unreached[0].destination)
    who = "the agent keeps" if now.agent.daemonset is not None else "nodes keep"
    return Finding(
        "fault",
        f"pods time out to {first}, and {who} their address towards it",
        _ADDRESS,
        (*_all_told(unreached), *evidence),
        "possible",
        (*excluded, "it is no range of the cluster"),
        {"masquerade": first} | more,
        DEPLOY if now.no_snat else None,
    )


def _healthy(now: Situation) -> Finding:
    summary = "ip-masq-agent accepts its configuration"
    return Finding("healthy", summary, _ADDRESS, tuple(now.agent.harmful), excluded=(_UNSEEN,))


def _all_told(unreached: list[TimedOut]) -> Iterator[str]:
    """Yield what is not reached, with its origin, and what that is worth."""
    yield from map(_told, unreached[:_MOST_SHOWN])
    if len(unreached) > _MOST_SHOWN:
        yield f"and {len(unreached) - _MOST_SHOWN} more destinations"
    yield events_are_text([report for item in unreached for report in item.told])


def _told(item: TimedOut) -> str:
    """Return what is not reached and where that is known from."""
    more = len({report.uid for report in item.told}) - 1
    others = f", and of {more} more pod{'s' if more > 1 else ''}" if more else ""
    return f"probes of pods time out to {item.destination}: {item.told[0].origin}{others}"
