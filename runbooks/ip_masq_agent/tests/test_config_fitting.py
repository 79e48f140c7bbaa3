"""The nearest ranges that fit within the agent's limit."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from remediation.model.ranges import collapsed
from runbooks.ip_masq_agent.config import MasqueradeConfig, also, fitting
from runbooks.ip_masq_agent.config.fitting import _entries
from runbooks.ip_masq_agent.tests.test_config import explicit, members, networks, small_lists

FOUR = networks("10.0.7.9/32", "10.64.7.9/32", "10.128.7.9/32", "10.192.7.9/32")
FLAT = explicit("10.0.0.0/8", "172.16.0.0/12")


def test_what_fits_stays_as_it_was_asked_for() -> None:
    """No range is widened without need."""
    assert fitting(FLAT, FOUR[:2]) == FOUR[:2]


def test_four_addresses_in_a_large_range() -> None:
    """They need 90 entries; a few hundred addresses more fit within 64, and each of the four is masqueraded."""
    assert len(FLAT.without(FOUR).non_masquerade) == 89
    wider = fitting(FLAT, FOUR)
    after = FLAT.without(wider)
    assert after.limit_problem() is None
    assert all(after.masquerades(item) for item in FOUR)
    assert sum(item.num_addresses for item in also(FLAT, wider, FOUR)) < 512


def test_a_long_list_leaves_less_room() -> None:
    """One address beside fifty entries that are there already: what cuts 10.0.0.0/8 into fourteen pieces is a /22."""
    config = explicit("10.0.0.0/8", *(f"192.168.{third}.0/25" for third in range(50)))
    assert fitting(config, FOUR[:1]) == networks("10.0.4.0/22")


def test_what_must_keep_pod_addresses_is_gone_around() -> None:
    """No wider range holds any of it; where there is no way around there is no offer."""
    kept = IPv4Network("10.0.7.128/25")
    assert fitting(FLAT, FOUR) != fitting(FLAT, FOUR, [IPv4Network("10.0.7.16/28")])
    wider = fitting(FLAT, FOUR, [kept])
    assert wider
    assert not FLAT.without(wider).covers([kept])
    assert fitting(FLAT, FOUR, [FLAT.non_masquerade[0]]) == ()


def test_a_large_cluster_is_no_reason_to_wait() -> None:
    """A thousand nodes, each with a range of pods and an address."""
    pods = [IPv4Network((int(IPv4Address("10.32.0.0")) + (node << 8), 24)) for node in range(0, 2000, 2)]
    nodes = [IPv4Network((int(IPv4Address("10.200.0.0")) + 3 * node, 32)) for node in range(1000)]
    begun = time.process_time()
    assert fitting(FLAT, FOUR, [*pods, *nodes])
    assert time.process_time() - begun < 5


def test_far_apart_and_many_are_not_offered_a_range_that_holds_half_a_network() -> None:
    """What is wider than a /16 is no near range."""
    many = networks(*(f"10.{second}.7.9/32" for second in range(0, 256, 8)))
    assert fitting(FLAT, many) == ()


@given(blocks=small_lists, destinations=small_lists, limit=st.integers(1, 12))
def test_every_offer_keeps_its_promise(
    blocks: tuple[IPv4Network, ...], destinations: tuple[IPv4Network, ...], limit: int
) -> None:
    """By counting addresses: all that was asked for, within the limit, and exactly the told ones beyond it."""
    config = replace(MasqueradeConfig(blocks, explicit=True), cidr_limit=limit)
    wider = fitting(config, destinations)
    if not wider:
        return
    after = config.without(wider)
    assert after.limit_problem() is None
    assert members(destinations) <= members(wider)
    lost = members(config.without(destinations).non_masquerade) - members(after.non_masquerade)
    assert members(also(config, wider, destinations)) == lost


@given(blocks=small_lists, destinations=small_lists)
def test_counting_agrees_with_excluding(blocks: tuple[IPv4Network, ...], destinations: tuple[IPv4Network, ...]) -> None:
    """The number of entries without computing them."""
    apart, whole = collapsed(blocks), collapsed(destinations)
    assert _entries(apart, whole) == len(MasqueradeConfig(apart, explicit=True).without(whole).non_masquerade)
