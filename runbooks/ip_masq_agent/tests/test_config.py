"""What a masquerade configuration does to traffic, and the smallest change that excludes a destination."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from hypothesis import given
from hypothesis import strategies as st

from remediation.model.ranges import Network
from runbooks.ip_masq_agent.config import DEFAULT_RANGES, RESERVED_RANGES, MasqueradeConfig

PARTNER = IPv4Network("10.1.125.0/24")


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def explicit(*texts: str) -> MasqueradeConfig:
    return MasqueradeConfig(networks(*texts), explicit=True)


# Reading


def test_without_a_configuration_the_built_in_list_applies() -> None:
    """No ConfigMap, an empty one and one without the list all mean the agent's own list."""
    for text in (None, "", "{}", "# nothing yet\n", "resyncInterval: 30s"):
        config = MasqueradeConfig.parse(text)
        assert config.non_masquerade == RESERVED_RANGES
        assert not config.explicit
    assert MasqueradeConfig.parse(None, DEFAULT_RANGES).non_masquerade == DEFAULT_RANGES
    assert len(RESERVED_RANGES) == 11


def test_a_null_list_means_that_nothing_keeps_its_address() -> None:
    """The agent takes null for an empty list, not for its defaults."""
    config = MasqueradeConfig.parse("nonMasqueradeCIDRs:")
    assert config.non_masquerade == ()
    assert config.masquerades(IPv4Network("10.0.0.0/8"))


def test_repeated_keys_are_read_as_go_reads_them() -> None:
    """Equal keys: the later wins; keys that differ in case: the one that is last in byte order wins."""
    assert MasqueradeConfig.parse("cidrLimit: 1\ncidrLimit: 2").cidr_limit == 2
    assert MasqueradeConfig.parse("cidrLimit: 1\nCIDRLIMIT: 2").cidr_limit == 1


def test_unknown_keys_are_kept() -> None:
    """Keys that the agent ignores are still the operator's."""
    config = MasqueradeConfig.parse("since: 2024-01-31\nteam: {name: network}\n")
    assert config.unknown == {"since": "2024-01-31", "team": {"name": "network"}}


# Excluding


def test_excluding_a_24_from_10_8_leaves_16_blocks() -> None:
    """The change asked for most often stays far below the agent's limit."""
    result = explicit("10.0.0.0/8", "172.16.0.0/12").without([PARTNER])
    assert len(result.non_masquerade) == 17
    assert result.non_masquerade[-1] == IPv4Network("172.16.0.0/12")
    assert result.masquerades(PARTNER)
    assert not result.masquerades(IPv4Network("10.1.124.0/23"))


def test_blocks_inside_the_destination_are_dropped_and_others_keep_their_order() -> None:
    """Unrelated entries are untouched, whatever their order."""
    before = explicit("192.168.0.0/16", "10.1.125.128/25", "fd00::/8", "172.16.0.0/12")
    assert before.without([PARTNER]).non_masquerade == networks("192.168.0.0/16", "fd00::/8", "172.16.0.0/12")


def test_excluding_what_is_already_masqueraded_changes_nothing() -> None:
    """A second run, and a destination outside every block, are no change at all."""
    before = MasqueradeConfig.parse(None)
    assert before.without([IPv4Network("8.8.8.0/24")]) is before
    once = before.without([PARTNER])
    assert once.without([PARTNER]) is once


def test_the_link_local_ranges_cannot_be_excluded() -> None:
    """The agent adds them by itself, so the check tells that the exclusion had no effect."""
    metadata = IPv4Network("169.254.169.254/32")
    assert not explicit("10.0.0.0/8").without([metadata]).masquerades(metadata)
    assert MasqueradeConfig((), masq_link_local=True, explicit=True).masquerades(metadata)


def test_too_many_entries_are_told_before_anything_is_written() -> None:
    """The problem says how many entries there would be and how many are allowed."""
    result = explicit("10.0.0.0/8").without(IPv4Network(f"10.{i}.7.9/32") for i in range(0, 256, 64))
    problem = result.limit_problem()
    assert problem is not None
    assert str(len(result.non_masquerade)) in problem.message
    assert "at most 64" in problem.message
    assert explicit("10.0.0.0/8").without([PARTNER]).limit_problem() is None


# A universe of 256 addresses is small enough to check every one of them.
BASE = int(IPv4Address("192.0.2.0"))
small = st.integers(24, 32).flatmap(
    lambda length: st.integers(0, (1 << (length - 24)) - 1).map(
        lambda index: IPv4Network((BASE + (index << (32 - length)), length))
    )
)
small_lists = st.lists(small, max_size=6).map(tuple)


def members(blocks: tuple[Network, ...]) -> set[int]:
    return {int(address) for block in blocks for address in block}


@given(blocks=small_lists, destinations=small_lists)
def test_exactly_the_destinations_lose_their_pod_address(
    blocks: tuple[Network, ...], destinations: tuple[Network, ...]
) -> None:
    """No address outside the destinations changes, and none inside them is left; a second time changes nothing."""
    before = MasqueradeConfig(blocks, explicit=True)
    after = before.without(destinations)
    assert members(after.non_masquerade) == members(blocks) - members(destinations)
    assert all(after.masquerades(destination) for destination in destinations)
    assert after.without(destinations) is after
    assert after.same_as(before.without(reversed(destinations)))
    assert set(after.non_masquerade) == set(before.without(reversed(destinations)).non_masquerade)
    untouched = [block for block in blocks if not members((block,)) & members(destinations)]
    assert [block for block in after.non_masquerade if block in untouched] == untouched


@given(blocks=small_lists, ranges=small_lists)
def test_coverage_agrees_with_counting_addresses(blocks: tuple[Network, ...], ranges: tuple[Network, ...]) -> None:
    """A range is covered when the blocks together hold every one of its addresses."""
    config = MasqueradeConfig(blocks, explicit=True)
    assert config.covers(ranges) == [each for each in ranges if not members((each,)) <= members(blocks)]
    assert all(config.masquerades(each) == (not members((each,)) & members(blocks)) for each in ranges)


@given(blocks=small_lists, within=small)
def test_the_kept_parts_of_a_range_agree_with_counting_addresses(
    blocks: tuple[Network, ...], within: IPv4Network
) -> None:
    """They hold each address of the range that the blocks hold, and no other."""
    kept = MasqueradeConfig(blocks, explicit=True).kept_of(within)
    assert members(tuple(kept)) == members(blocks) & members((within,))


@given(block=st.integers(0, 100), extra=st.integers(0, 28))
def test_the_number_of_blocks_follows_the_prefix_lengths(block: int, extra: int) -> None:
    """Excluding length d from length b leaves d - b blocks, for IPv6 as well."""
    outer = IPv6Network((0, block))
    inner = IPv6Network((int(outer.broadcast_address), block + extra), strict=False)
    assert len(MasqueradeConfig((outer,), explicit=True).without([inner]).non_masquerade) == extra


def test_several_blocks_together_cover_a_range() -> None:
    """Coverage does not depend on how the list is cut; address families do not mix."""
    config = explicit("10.0.0.0/9", "10.128.0.0/9", "fd00::/8")
    assert config.covers(networks("10.0.0.0/8", "fd12::/16", "11.0.0.0/8")) == [IPv4Network("11.0.0.0/8")]


# Comparing


def test_two_spellings_of_the_same_behaviour_are_the_same() -> None:
    """Order, key case, format and the way a duration is written make no difference."""
    one = MasqueradeConfig.parse('{"nonMasqueradeCIDRs": ["10.0.0.0/9", "10.128.0.0/9"], "resyncInterval": "1m"}')
    other = MasqueradeConfig.parse("NonMasqueradeCIDRs: [10.0.0.0/8]\nextra: 1\n")
    assert one.same_as(other)
    assert one.digest == other.digest
    assert one.digest != MasqueradeConfig.parse("nonMasqueradeCIDRs: [10.0.0.0/9]").digest
    assert not one.same_as(MasqueradeConfig.parse("nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 2m"))
