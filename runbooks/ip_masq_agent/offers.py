"""What a refusal of ip-masq-agent offers to type: the same wish with what heals it, or the nearest ranges that fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from remediation import Hint, Network, Refused, advice, collapsed, command, few

from .agent import Agent
from .config import also, fitting
from .protected import Protected
from .wish import Wish

_MOST_SHOWN = 4


@dataclass(frozen=True)
class _Offer:
    """Ranges that hold what was asked for and fit, with what they masquerade beyond that."""

    ranges: tuple[Network, ...]
    entries: int
    extra: tuple[Network, ...]
    more: tuple[str, ...] = ()

    @property
    def addresses(self) -> int:
        """How many addresses are masqueraded beyond the wish."""
        return sum(item.num_addresses for item in self.extra)

    @property
    def sentence(self) -> str:
        """What it comes to, in words."""
        if not self.extra:
            return f"With --join it would have {self.entries}, and no address is treated otherwise."
        ranges = " and ".join([", ".join(map(str, self.ranges)), *self.more])
        beyond = f"{self.addresses} more addresses would be masqueraded: {few(map(str, self.extra), _MOST_SHOWN)}"
        return f"With {ranges} it would have {self.entries}, and {beyond}."


def cures(agent: Agent, wish: Wish) -> tuple[Hint, ...]:
    """Return what puts a faulty text right; nothing where only a person can tell."""
    if agent.repaired is not None:  # that is a change of its own, which the list has no part in
        return (advice("repair it first: {}", command("runbook", "run", "ip-masq-agent")),)
    return (wish.plan(*(f"--{flag}" for flag in agent.cure)),) if agent.cure else ()


def require_limit(agent: Agent, protected: Protected, wish: Wish) -> None:
    """Refuse a list that is longer than the agent takes, and offer what it would take."""
    problem = agent.config.without(wish.masquerade).limit_problem()
    if problem is None:
        return
    offers = list(_offers(agent, protected, wish))
    ways: list[Hint] = [wish.plan(*item.more, masquerade=item.ranges if item.extra else None) for item in offers]
    message = " ".join([problem.message, *(item.sentence for item in offers)])
    raise Refused(message, next=tuple(ways) or advice("choose a range whose exclusion leaves fewer blocks"))


def _offers(agent: Agent, protected: Protected, wish: Wish) -> Iterator[_Offer]:
    """Yield joining where that is enough, then the nearest ranges; with joining where those are nearer."""
    plain = _nearest(agent, protected, wish)
    joined = _nearest(agent.prepared(join=True), protected, wish, "--join")
    if joined and (plain is None or joined.addresses < plain.addresses):
        yield joined
    if plain and not (joined and joined.extra and joined.addresses < plain.addresses):
        yield plain


def _nearest(agent: Agent, protected: Protected, wish: Wish, *more: str) -> _Offer | None:
    before = agent.config
    kept = [part for item in collapsed(protected.all) for part in before.kept_of(item)]
    ranges = fitting(before, wish.masquerade, kept)
    if not ranges:
        return None
    entries = len(before.without(ranges).non_masquerade)
    return _Offer(ranges, entries, also(before, ranges, wish.masquerade), more)
