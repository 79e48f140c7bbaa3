"""The nearest wider ranges whose exclusion leaves a list that the agent accepts."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

from remediation import Network, collapsed

from .config import MasqueradeConfig
from .ranges import is_subnet, overlaps

# Above this many destinations only neighbours are put together; each of them widened alone would take seconds to try.
_FEW = 8
# What is wider than this by IP version is no near range any more.
_WIDEST = {4: 16, 6: 32}


def fitting(
    config: MasqueradeConfig, destinations: Iterable[Network], kept: Iterable[Network] = ()
) -> tuple[Network, ...]:
    """Return ranges that hold the destinations and fit within the agent's limit, as narrow as a few steps find them.

    Each step widens one range by a bit or puts two neighbours into one, whichever masquerades the fewest further
    addresses for each entry that it saves.

    Args:
        config: what the agent does now.
        destinations: what should be masqueraded.
        kept: what must keep seeing pod addresses; no wider range holds any of it.

    Returns:
        No range at all where none fits.
    """
    chosen, whole = collapsed(destinations), collapsed(kept)
    while chosen and config.without(chosen).limit_problem() is not None:
        chosen = _wider(config, chosen, whole)
    return chosen


def also(config: MasqueradeConfig, wider: Iterable[Network], destinations: Iterable[Network]) -> tuple[Network, ...]:
    """Return what else would see node addresses under the wider ranges that keeps pod addresses otherwise."""
    left = config.without(destinations)
    return collapsed(part for item in wider for part in _kept(left, item))


def _kept(config: MasqueradeConfig, within: Network) -> Iterator[Network]:
    for block in config.non_masquerade:
        if overlaps(block, within):
            yield block if is_subnet(block, within) else within


def _wider(config: MasqueradeConfig, chosen: Sequence[Network], kept: Sequence[Network]) -> tuple[Network, ...]:
    """Return the next step up that costs least; nothing when there is none."""
    now = _entries(config.non_masquerade, chosen)
    best: tuple[float, tuple[Network, ...]] = (float("inf"), ())
    for whole in _steps(chosen):
        step = collapsed((*chosen, whole))
        saved = now - _entries(config.non_masquerade, step)
        cost = (_size(step) - _size(chosen)) / saved if saved > 0 else float("inf")
        if cost < best[0] and not any(overlaps(whole, item) for item in kept):
            best = cost, step
    return best[1]


def _size(ranges: Iterable[Network]) -> int:
    return sum(item.num_addresses for item in ranges)


def _steps(chosen: Sequence[Network]) -> Iterator[Network]:
    """Yield the ranges that could stand for one or two of the chosen ones."""
    wholes = [_around(one, other) for one, other in pairwise(chosen) if one.version == other.version]
    if len(chosen) <= _FEW:
        wholes += [item.supernet() for item in chosen if item.prefixlen]
    yield from (whole for whole in wholes if whole.prefixlen >= _WIDEST[whole.version])


def _around(one: Network, other: Network) -> Network:
    """Return the smallest range that holds both."""
    found = one
    while not is_subnet(other, found):
        found = found.supernet()
    return found


def _entries(blocks: Iterable[Network], destinations: Sequence[Network]) -> int:
    """Return how many entries are left of blocks without destinations that do not overlap each other."""
    excluded = [_numbers(item) for item in destinations]
    return sum(_entries_of(_numbers(block), excluded) for block in blocks)


@cache
def _numbers(network: Network) -> tuple[int, int, int, int]:
    """Return the size of an address, the prefix length, the first address and the last one: comparing these is fast."""
    return network.max_prefixlen, network.prefixlen, int(network.network_address), int(network.broadcast_address)


def _entries_of(block: tuple[int, int, int, int], excluded: Sequence[tuple[int, int, int, int]]) -> int:
    """Count in the tree of halves: each half of a range that is cut, and is neither cut nor excluded itself, is left."""
    size, shortest, first, last = block
    inside = [item for item in excluded if item[0] == size and item[2] <= last and first <= item[3]]
    if any(length <= shortest for _, length, *_ in inside):
        return 0
    cut = {(n, start >> (size - n)) for _, length, start, _ in inside for n in range(shortest, length)}
    return len(cut) - len(inside) + 1
