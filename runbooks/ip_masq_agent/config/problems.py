"""What is wrong with a configuration: what the agent rejects, what it silently ignores, what it should not be told.

A rejected configuration is worse than it looks: the agent returns before it writes any rule, so nodes that have
rules keep the old ones, while a new or rebooted node has only the default rules that it was started with. The fleet
is mixed, and every pod stays Running.
Source: https://github.com/kubernetes-sigs/ip-masq-agent, cmd/ip-masq-agent/ip-masq-agent.go.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from itertools import chain
from typing import Final

from remediation import Network, limits

from .document import Document, DocumentError, Member, Unread, read
from .duration import go_duration
from .ranges import parse_cidr

LIST: Final = "nonMasqueradeCIDRs"
LIMIT: Final = "cidrLimit"
LINK_LOCAL: Final = "masqLinkLocal"
LINK_LOCAL_IPV6: Final = "masqLinkLocalIPv6"
INTERVAL: Final = "resyncInterval"
FIELDS: Final = (LIST, LIMIT, LINK_LOCAL, LINK_LOCAL_IPV6, INTERVAL)
# Go compares keys without regard to case. The agent's default limit protects against very bad mistakes.
_BY_FOLDED_NAME = {name.casefold(): name for name in FIELDS}
DEFAULT_LIMIT: Final = 64
_MOST_TOLD = 20
# The agent sleeps this many seconds between two syncs; zero is a busy loop on every node.
SHORTEST_INTERVAL: Final = 10.0


class Severity(StrEnum):
    """What the agent does with the field: rejects the whole text, drops the field, or obeys to your harm.

    Of a text that is not read here nobody can tell.
    """

    REJECTED = "rejected"
    UNREAD = "unread"
    IGNORED = "ignored"
    DANGEROUS = "dangerous"


@dataclass(frozen=True)
class Problem:
    """One fault: where it is, what stands there, and one sentence that says what is allowed.

    `refused` says that no change may build on it; `meant` is the key that was probably meant by an ignored one.
    """

    path: str
    value: object
    message: str
    severity: Severity = Severity.REJECTED
    refused: bool = False
    meant: str = ""


class ConfigProblem(ValueError):
    """The agent rejects this configuration, or it is not read here; `problems` lists every reason."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def problems(text: str | None, *, ipv6: bool = True) -> list[Problem]:
    """List everything that the agent would reject, ignore or obey to the cluster's harm.

    Args:
        text: the value of the ConfigMap's key; None when there is no ConfigMap, which is fine.
        ipv6: whether the agent runs with --enable-ipv6; without it every IPv6 entry is rejected.
    """
    if text is None:
        return []
    try:
        document = read(text)
    except Unread as error:
        return [Problem("config", "", str(error), Severity.UNREAD, refused=True)]
    except DocumentError as error:
        return [Problem("config", text, str(error))]
    return list(_few(chain(_of_document(document), _of_keys(document), _of_fields(fields(document), ipv6))))


def _few(found: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the first of each kind, and how many more there are: nobody reads thousands, and one is enough to act on."""
    kinds: dict[tuple[Severity, bool, bool], list[Problem]] = {}
    for problem in found:
        kinds.setdefault((problem.severity, problem.refused, bool(problem.meant)), []).append(problem)
    for same in kinds.values():
        yield from (replace(problem, message=limits.message(problem.message)) for problem in same[:_MOST_TOLD])
        if (more := len(same) - _MOST_TOLD) > 0:
            yield replace(same[-1], message=f"{more} more places are like that.")


def fields(document: Document) -> dict[str, Member]:
    """Return the members that count, by the agent's own spelling of their keys; unknown keys keep theirs.

    Where one field is written more than once, Go reads the keys in byte order and the last one wins.
    """
    ordered = sorted(document.members, key=lambda member: member.key.encode("utf-8", "surrogatepass"))
    return {canonical(member.key): member for member in ordered}


def canonical(key: str) -> str:
    """Return the agent's spelling of a key, or the key itself when the agent does not know it."""
    return _BY_FOLDED_NAME.get(key.casefold(), key)


def limit_of(members: Mapping[str, Member]) -> int:
    """Return how many entries the agent accepts for these members."""
    value = members[LIMIT].value if LIMIT in members else None
    return value if isinstance(value, int) and not isinstance(value, bool) else DEFAULT_LIMIT


def _of_document(document: Document) -> Iterator[Problem]:
    if document.more_documents:
        message = "The text has more than one YAML document; the agent reads the first, so write only one."
        yield Problem("config", "---", message, Severity.IGNORED)
    if not document.members:
        message = f"The text sets nothing, so the agent uses its defaults; allowed keys are {', '.join(FIELDS)}."
        yield Problem("config", document.text, message, Severity.IGNORED)


def _of_keys(document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for member in document.members:
        name = canonical(member.key)
        if name not in FIELDS:
            yield _unknown(member)
        elif name in seen:
            # The agent's YAML library is not strict: the last value counts, without a word in the log.
            spelling = f" as {member.key}" if member.key != name else ""
            message = f"{name} is written a second time{spelling}; the agent uses only one of them, so write it once."
            yield Problem(member.key, member.value, message, Severity.IGNORED, refused=True)
        seen.add(name)


def resembled(key: str) -> str:
    """Return the agent's key that a misspelt one resembles, empty when there is none."""
    close = get_close_matches(key.casefold(), _BY_FOLDED_NAME, n=1, cutoff=0.7)
    return _BY_FOLDED_NAME[close[0]] if close else ""


def _unknown(member: Member) -> Problem:
    meant = resembled(member.key)
    hint = f"did you mean {meant}?" if meant else f"allowed keys are {', '.join(FIELDS)}."
    message = f"{member.key} is not a key that the agent knows, so it ignores it; {hint}"
    return Problem(member.key, member.value, message, Severity.IGNORED, meant=meant)


def _of_fields(members: Mapping[str, Member], ipv6: bool) -> Iterator[Problem]:
    if LIST in members:
        yield from _of_list(members[LIST].value, limit_of(members), ipv6)
    checks: tuple[tuple[str, Callable[[str, object], Iterable[Problem]]], ...] = (
        (LIMIT, _of_limit),
        (LINK_LOCAL, _of_link_local),
        (LINK_LOCAL_IPV6, _of_bool),
        (INTERVAL, _of_interval),
    )
    for name, check in checks:
        if name in members:
            yield from check(name, members[name].value)


def _of_list(value: object, limit: int, ipv6: bool) -> Iterator[Problem]:
    if value is None or value == []:
        message = f"{LIST} is empty, so every destination sees node addresses; list ranges that keep the pod address."
        yield Problem(LIST, value, message, Severity.DANGEROUS)
    elif not isinstance(value, list):
        yield Problem(LIST, value, f"{LIST} is {_kind(value)}; it must be a list of CIDRs such as [192.0.2.0/24].")
    else:
        yield from _of_count(len(value), limit, value)
        yield from _of_entries(value, ipv6)


def _of_count(count: int, limit: int, value: object) -> Iterator[Problem]:
    if count > limit:
        message = f"{LIST} has {count} entries; the agent accepts at most {limit} (not counting link-local)."
        yield Problem(LIST, value, message)


def _of_entries(entries: list[object], ipv6: bool) -> Iterator[Problem]:
    seen: dict[Network, int] = {}
    for index, entry in enumerate(entries):
        path = f"{LIST}[{index}]"
        if not isinstance(entry, str):
            yield Problem(path, entry, f"{path} is {_kind(entry)}; it must be a CIDR in text such as 192.0.2.0/24.")
            continue
        try:
            network = parse_cidr(entry)
        except ValueError as error:
            yield Problem(path, entry, f"{path}: {error}")
            continue
        yield from _of_network(path, entry, network, ipv6)
        if network in seen:
            message = f'{path} repeats "{entry}" of {LIST}[{seen[network]}]; list each range once.'
            yield Problem(path, entry, message, Severity.IGNORED, refused=True)
        seen.setdefault(network, index)


def _of_network(path: str, entry: str, network: Network, ipv6: bool) -> Iterator[Problem]:
    if network.prefixlen == 0:
        # What Google prescribes where Cloud NAT shall give pods their address.
        message = f"{path} is {entry}, so pods reach the internet only where Cloud NAT serves the pod ranges."
        yield Problem(path, entry, message, Severity.DANGEROUS)
    if network.version == 6 and not ipv6:
        message = f"{path} is {entry}; IPv6 entries are allowed only when the agent runs with --enable-ipv6."
        yield Problem(path, entry, message)


def _of_limit(path: str, value: object) -> Iterator[Problem]:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        yield Problem(path, value, f"{path} is {_kind(value)}; it must be a whole number, {DEFAULT_LIMIT} by default.")


def _of_bool(path: str, value: object) -> Iterator[Problem]:
    if value is not None and not isinstance(value, bool):
        yield Problem(path, value, f"{path} is {_kind(value)}; it must be true or false.")


def _of_link_local(path: str, value: object) -> Iterator[Problem]:
    yield from _of_bool(path, value)
    if value is True:
        # GKE's metadata server answers on the node itself, before packets come to the agent's rules.
        message = f"{path} is true, so link-local destinations outside the node see node addresses; false is usual."
        yield Problem(path, value, message, Severity.DANGEROUS)


def _of_interval(path: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(path, value, f"{path} is {_kind(value)}; it must be text with a unit, for example 60s.")
        return
    try:
        seconds = go_duration(value)
    except ValueError as error:
        yield Problem(path, value, f"{path}: {error}")
        return
    if seconds < SHORTEST_INTERVAL:
        message = f"{path} is {value}, so the agent hardly sleeps; it should be at least {SHORTEST_INTERVAL:g}s."
        yield Problem(path, value, message, Severity.DANGEROUS, refused=True)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value}"'
    return "a mapping" if isinstance(value, dict) else "a list"
