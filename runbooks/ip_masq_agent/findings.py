"""What is wrong with masquerading on a cluster, judged from the agent, the protected ranges and failed probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from remediation import Facts, Finding, Network, events_are_text

from .agent import CONFIG_MAP, Agent, TimedOut, TimedOutDestinations
from .by_hand import DEPLOY, EDIT, IMMUTABLE, MAKE_ANEW
from .protected import Protected

_ADDRESS = CONFIG_MAP.ref.address
_UNSEEN = "whether a destination routes to pod addresses is not visible from here"
_TWICE = "the configuration of ip-masq-agent says something twice, and only one of the two counts"
_NO_AGENT = "no ip-masq-agent runs here"
_MOST_SHOWN = 5
_SNAT_UNKNOWN = "whether default SNAT is on is not known: add --project, --location and --cluster"


@dataclass(frozen=True)
class Situation:
    """The agent, what must keep seeing pod addresses, and where to ask what pods could not reach, if it comes to that."""

    agent: Agent
    protected: Protected
    facts: Facts

    def findings(self) -> Iterator[Finding]:
        """Yield one finding, the worst."""
        if self.protected.autopilot:
            yield Finding("not_applicable", "this is an Autopilot cluster, where EgressNATPolicy decides", _ADDRESS)
        else:
            yield self._changeable(self._worst())

    def _worst(self) -> Finding:
        if self.agent.daemonset is None:
            return self._without_agent()
        return self._wrong_text() or self._wrong_effect() or self._healthy()

    def _changeable(self, found: Finding) -> Finding:
        """Return a finding that does not suggest to change what cannot be changed."""
        if not self.agent.immutable or found.status != "fault":
            return found
        return replace(found, evidence=(*found.evidence, IMMUTABLE), by_hand=MAKE_ANEW)

    @property
    def _no_snat(self) -> bool:
        """Whether pods keep their address towards everything: no agent, and default SNAT switched off."""
        return self.agent.daemonset is None and self.protected.default_snat is False

    @property
    def _unreached(self) -> list[TimedOut]:
        return [item for item in self.facts(TimedOutDestinations()) if self._keeps_pod_address(item.destination)]

    def _keeps_pod_address(self, destination: Network) -> bool:
        known = [item for item in self.protected.all if item.version == destination.version]
        inside = any(destination.subnet_of(item) for item in known)  # type: ignore[arg-type] # the versions are equal
        return not inside and (self._no_snat or not self.agent.in_force.masquerades(destination))

    def _without_agent(self) -> Finding:
        """Judge by what nodes do on their own."""
        if self._no_snat:
            rules = f"{_NO_AGENT} and default SNAT is disabled: pods keep their address towards every destination"
        else:
            rules = f"{_NO_AGENT}: nodes keep pod addresses towards their default ranges, and hide them elsewhere"
        doubt = (_SNAT_UNKNOWN,) if self.protected.default_snat is None else ()
        unread = (f"{_ADDRESS} has no effect without an agent",) if self.agent.text is not None else ()
        if unreached := self._unreached:
            more: dict[str, Any] = {} if self._no_snat else {"deploy-agent": True}
            return self._timed_out(unreached, (rules, *unread, *doubt), (), more)
        if unread:
            return Finding("fault", unread[0], _ADDRESS, (rules, *doubt), "probable", (), {"deploy-agent": True})
        return Finding("healthy", rules, _ADDRESS, doubt, excluded=(_UNSEEN,))

    def _wrong_text(self) -> Finding | None:
        """Return what is wrong with the configuration as it is written."""
        agent = self.agent
        if agent.unread:
            return Finding("unknown", "the configuration of ip-masq-agent is not read", _ADDRESS, tuple(agent.unread))
        cure = dict.fromkeys(self._cure(), True)
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

    def _cure(self) -> tuple[str, ...]:
        """Return the options that put the text right, where no range of the cluster loses by it."""
        agent = self.agent
        if agent.repaired is not None:  # a run without any option does that
            return ()
        healed = agent.prepared(**dict.fromkeys(agent.cure, True))
        harms = not agent.rejected and self.protected.lost(agent.config, healed.config)
        return () if harms else agent.cure

    def _wrong_effect(self) -> Finding | None:
        """Return what goes wrong under a configuration that is well written."""
        if lost := self.agent.config.covers(self.protected.pods):
            summary = "pod ranges are masqueraded: pods see node addresses of other pods"
            return Finding("fault", summary, _ADDRESS, tuple(map(str, lost)), by_hand=EDIT)
        if unreached := self._unreached:
            return self._timed_out(unreached, self.agent.harmful, ("the agent accepts its configuration",), {})
        return None

    def _timed_out(
        self, unreached: list[TimedOut], evidence: Sequence[str], excluded: tuple[str, ...], more: dict[str, Any]
    ) -> Finding:
        first = str(unreached[0].destination)
        who = "the agent keeps" if self.agent.daemonset is not None else "nodes keep"
        return Finding(
            "fault",
            f"pods time out to {first}, and {who} their address towards it",
            _ADDRESS,
            (*_all_told(unreached), *evidence),
            "possible",
            (*excluded, "it is no range of the cluster"),
            {"masquerade": first} | more,
            DEPLOY if self._no_snat else None,
        )

    def _healthy(self) -> Finding:
        summary = "ip-masq-agent accepts its configuration"
        return Finding("healthy", summary, _ADDRESS, tuple(self.agent.harmful), excluded=(_UNSEEN,))


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
