"""The configuration as a value: what keeps the pod address, and the smallest change that makes a range lose it."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from remediation import Network, collapsed

from .document import Member, comments, read
from .duration import go_duration
from .problems import (
    DEFAULT_LIMIT,
    FIELDS,
    INTERVAL,
    LIMIT,
    LINK_LOCAL,
    LINK_LOCAL_IPV6,
    LIST,
    ConfigProblem,
    Problem,
    Severity,
    fields,
    limit_of,
    problems,
)
from .ranges import LINK_LOCAL as _LINK_LOCAL
from .ranges import LINK_LOCAL_IPV6 as _LINK_LOCAL_IPV6
from .ranges import RESERVED_RANGES, exclude, is_subnet, overlaps, parse_cidr
from .rewrite import Wanted, rewrite, write

_DEFAULT_INTERVAL = "60s"
# Until the kubelet of every node has brought a new file into the agent's volume, in seconds.
_PROPAGATION = 150.0


@dataclass(frozen=True)
class MasqueradeConfig:
    """What the agent does: destinations in `non_masquerade` see pod addresses, all others see node addresses.

    `non_masquerade` does not hold the link-local ranges that the agent adds by itself.
    `resync_interval` is a Go duration, None for the agent's 60 s. `unknown` holds the keys that the agent ignores.
    `explicit` is False when the list is the agent's built-in one.
    """

    non_masquerade: tuple[Network, ...] = RESERVED_RANGES
    masq_link_local: bool = False
    masq_link_local_ipv6: bool = False
    resync_interval: str | None = None
    cidr_limit: int = DEFAULT_LIMIT
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)
    explicit: bool = False

    @classmethod
    def parse(
        cls, text: str | None, defaults: tuple[Network, ...] = RESERVED_RANGES, *, ipv6: bool = True
    ) -> "MasqueradeConfig":
        """Read the text of the ConfigMap's key `config`, None when there is none.

        Ignored and dangerous settings are read as the agent reads them; ask `problems` for those.

        Args:
            text: YAML or JSON.
            defaults: the built-in list; DEFAULT_RANGES for an agent without --nomasq-all-reserved-ranges.
            ipv6: whether the agent runs with --enable-ipv6.

        Raises:
            ConfigProblem: the agent rejects the text, or it is not read here; it lists every reason, not only the first.
        """
        worst = (Severity.REJECTED, Severity.UNREAD)
        rejected = [problem for problem in problems(text, ipv6=ipv6) if problem.severity in worst]
        if rejected:
            raise ConfigProblem(rejected)
        return cls._of(fields(read(text or "")), defaults)

    @classmethod
    def _of(cls, members: Mapping[str, Member], defaults: tuple[Network, ...]) -> "MasqueradeConfig":
        values = {name: member.value for name, member in members.items()}
        listed, interval = values.get(LIST), values.get(INTERVAL)
        entries = [parse_cidr(str(entry)) for entry in listed] if isinstance(listed, list) else []
        return cls(
            non_masquerade=tuple(entries) if LIST in values else defaults,
            masq_link_local=values.get(LINK_LOCAL) is True,
            masq_link_local_ipv6=values.get(LINK_LOCAL_IPV6) is True,
            resync_interval=interval if isinstance(interval, str) else None,
            cidr_limit=limit_of(members),
            unknown={name: value for name, value in values.items() if name not in FIELDS},
            explicit=LIST in values,
        )

    @property
    def resync_seconds(self) -> float:
        """Seconds between two syncs of the agent."""
        return go_duration(self.resync_interval or _DEFAULT_INTERVAL)

    @property
    def takes_over_seconds(self) -> float:
        """Seconds until an agent that has this configuration obeys another one: the kubelet brings it, the agent wakes."""
        return _PROPAGATION + max(self.resync_seconds, 0.0)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that are equal for configurations with the same effect."""
        return hashlib.sha256(json.dumps(self._meaning()).encode()).hexdigest()[:12]

    def same_as(self, other: "MasqueradeConfig") -> bool:
        """Say whether the agent treats traffic the same under both, however they are written."""
        return self._meaning() == other._meaning()

    def without(self, destinations: Iterable[Network]) -> "MasqueradeConfig":
        """Return the configuration under which these destinations see node addresses, and nothing else changes.

        The link-local ranges cannot be excluded this way; check the result with `masquerades`.
        """
        blocks = reduce(exclude, destinations, self.non_masquerade)
        return self if blocks == self.non_masquerade else replace(self, non_masquerade=blocks, explicit=True)

    def covers(self, ranges: Iterable[Network]) -> list[Network]:
        """Return the ranges that would not, or not completely, keep the pod address."""
        # An aligned range that several blocks hold together lies in one block once those are collapsed.
        kept = self._kept()
        return [each for each in ranges if not any(is_subnet(each, block) for block in kept)]

    def kept_of(self, within: Network) -> list[Network]:
        """Return the parts of a range that keep the pod address."""
        return [within if is_subnet(within, block) else block for block in self._kept() if overlaps(within, block)]

    def masquerades(self, destination: Network) -> bool:
        """Say whether all of the destination sees node addresses; False when only a part of it does."""
        return not any(overlaps(destination, block) for block in (*self.non_masquerade, *self._link_local()))

    def limit_problem(self) -> Problem | None:
        """Return the problem when the list has more entries than the agent accepts, else None."""
        count = len(self.non_masquerade)
        if not self.explicit or count <= self.cidr_limit:
            return None
        return Problem(LIST, count, f"{LIST} would have {count} entries; the agent accepts at most {self.cidr_limit}.")

    def render(self, original: str | None = None) -> str:
        """Write the configuration into the original text, changing as little of it as possible.

        JSON stays JSON and YAML stays YAML; keys, their order and spelling, unknown keys and the text of entries
        that stay are kept, as are comments outside the entries that change.

        Raises:
            ConfigProblem: the agent rejects the original, so there is nothing to compare with.
        """
        unknown = self.unknown if original is None else MasqueradeConfig.parse(original).unknown
        wanted = self._wanted()
        text = write(wanted, unknown, original) if original is None else rewrite(original, wanted)
        return text if self._is_written_in(text, unknown) else write(wanted, unknown, original)

    def lost_comments(self, original: str) -> list[str]:
        """Return the comments of the original that `render` would drop."""
        # Counted, because the same words may stand beside several entries.
        lost = Counter(comments(original)) - Counter(comments(self.render(original)))
        return list(lost.elements())

    def _wanted(self) -> Wanted:
        return Wanted(
            networks=self.non_masquerade,
            explicit=self.explicit,
            scalars={
                LIMIT: (self.cidr_limit, DEFAULT_LIMIT),
                LINK_LOCAL: (self.masq_link_local, False),
                LINK_LOCAL_IPV6: (self.masq_link_local_ipv6, False),
                INTERVAL: (self.resync_interval, None),
            },
        )

    def _is_written_in(self, text: str, unknown: Mapping[str, object]) -> bool:
        # Rare YAML can defeat an edit in place; then the text is written anew.
        try:
            read_back = MasqueradeConfig.parse(text, self.non_masquerade)
        except ConfigProblem:
            return False
        same_list = self.non_masquerade == read_back.non_masquerade
        return same_list and self.same_as(read_back) and read_back.unknown == unknown

    def _kept(self) -> tuple[Network, ...]:
        return collapsed((*self.non_masquerade, *self._link_local()))

    def _link_local(self) -> tuple[Network, ...]:
        four = () if self.masq_link_local else (_LINK_LOCAL,)
        return four if self.masq_link_local_ipv6 else (*four, _LINK_LOCAL_IPV6)

    def _meaning(self) -> list[object]:
        blocks = [str(block) for block in collapsed(self.non_masquerade)]
        return [blocks, self.masq_link_local, self.masq_link_local_ipv6, self.resync_seconds]
