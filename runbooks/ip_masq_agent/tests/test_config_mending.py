"""What a machine may put right in a configuration: the same meaning, the smallest change, and no comment lost."""

from __future__ import annotations

import json
import time
from collections import Counter
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbooks.ip_masq_agent.config import MasqueradeConfig, Severity, joined, mended, problems
from runbooks.ip_masq_agent.config.document import comments
from runbooks.ip_masq_agent.tests.test_config import members, small, small_lists


def wrong(text: str) -> list[str]:
    return [item.message for item in problems(text) if item.severity is Severity.REJECTED or item.refused or item.meant]


# Every fault that has one remedy, and what stays as it was


@pytest.mark.parametrize(
    ("text", "healed"),
    [
        ("nonMasqueradeCIDRs: [10.0.0.1/8]\n", "nonMasqueradeCIDRs: [10.0.0.0/8]\n"),
        (
            'nonMasqueradeCIDRs:\n  - "10.0.0.1/8"  # corp\n  - 10.0.0.0/8  # again\n',
            'nonMasqueradeCIDRs:\n  - "10.0.0.0/8"  # corp\n  # again\n',
        ),
        ("nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]", "nonMasqueradeCIDRs: [10.0.0.0/8]"),
        ('masqLinkLocal: "False"\n', "masqLinkLocal: false\n"),
        ("cidrLimit: '80'\nresyncInterval: 60\n", 'cidrLimit: 80\nresyncInterval: "60s"\n'),
        ("# mine\nnonMasqueradeCIDR: [10.0.0.0/8]\n", "# mine\nnonMasqueradeCIDRs: [10.0.0.0/8]\n"),
        ("cidrLimit: 10\nresyncInterval: 60s\ncidrLimit: 20\n", "resyncInterval: 60s\ncidrLimit: 20\n"),
        ('{"cidrLimit": 10, "CIDRLIMIT": 20}', '{"cidrLimit": 10}'),
        ('{"cidrLimit": 10, "cidrLimit": 20, "x": 1}', '{"cidrLimit": 20, "x": 1}'),
    ],
)
def test_what_has_one_remedy_is_mended(text: str, healed: str) -> None:
    """Nothing else in the text changes, and a second time changes nothing."""
    assert wrong(text)
    assert mended(text) == healed
    assert not wrong(healed)
    assert mended(healed) == healed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "nonMasqueradeCIDRs: [10.0.0.0, 10.1.0.0/16]\n",  # which length?
        "nonMasqueradeCIDRs: 10.0.0.0/8\n",
        "resyncInterval: 5\n",  # five seconds are too short, and perhaps not meant
        "resyncInterval: 1s\n",
        "masqLinkLocal: maybe\n",
        "nonMasqueradeCIDRs: [a\n",
        "team: network\n",
        "cidrLimit: 1 # ours\ncidrLimit: 2\n",  # the comment would go with its line
        "nonMasqueradeCIDR: [10.0.0.0/8]\nnonMasqueradeCIDRS_: [10.1.0.0/16]\n",  # which of the two?
    ],
)
def test_what_a_person_has_to_decide_stays(text: str) -> None:
    """Nothing is guessed."""
    assert mended(text) == text


entries = st.lists(st.tuples(small, st.sampled_from(["", " # a", "  # b b"])), min_size=1, max_size=6)


@given(entries=entries, host=st.integers(0, 3), block=st.booleans())
def test_mending_a_list_keeps_every_address_and_every_comment(
    entries: list[tuple[IPv4Network, str]], host: int, block: bool
) -> None:
    """Host bits and duplicates go; what the ranges hold, their first order and the comments stay."""
    texts = [f"{item.network_address + host % item.num_addresses}/{item.prefixlen}" for item, _ in entries]
    lines = "".join(f"- {text}{comment}\n" for text, (_, comment) in zip(texts, entries, strict=True))
    text = f"nonMasqueradeCIDRs:\n{lines}" if block else f"nonMasqueradeCIDRs: [{', '.join(texts)}]\n"
    healed = mended(text)
    assert MasqueradeConfig.parse(healed).non_masquerade == tuple(dict.fromkeys(item for item, _ in entries))
    assert not Counter(comments(text)) - Counter(comments(healed))
    assert not wrong(healed)
    assert mended(healed) == healed


# Joining


@given(blocks=small_lists, as_json=st.booleans())
def test_joining_treats_no_address_otherwise(blocks: tuple[IPv4Network, ...], as_json: bool) -> None:
    """By counting addresses: the same ones, in the fewest ranges there can be."""
    values = {"nonMasqueradeCIDRs": [str(item) for item in blocks], "resyncInterval": "30s"}
    lines = "".join(f"- {item}\n" for item in values["nonMasqueradeCIDRs"]) or " []\n"
    text = (
        json.dumps(values) if as_json else f"resyncInterval: 30s\nnonMasqueradeCIDRs:{chr(10) if blocks else ''}{lines}"
    )
    before, after = MasqueradeConfig.parse(text), MasqueradeConfig.parse(joined(text))
    assert members(after.non_masquerade) == members(before.non_masquerade)
    assert after.same_as(before)
    pairs = {item.supernet() for item in after.non_masquerade if item.prefixlen}
    assert all(sum(item.supernet() == pair for item in after.non_masquerade) == 1 for pair in pairs)
    assert joined(joined(text)) == joined(text)


def test_joining_keeps_places_quotes_and_comments() -> None:
    """A joined range stands where the first of its parts stood; other lines are as they were."""
    text = "nonMasqueradeCIDRs:\n- '10.0.0.0/9' # ours\n- 192.168.0.0/16\n- '10.128.0.0/9' # theirs\n# end\ncidrLimit: 64\n"
    wanted = "nonMasqueradeCIDRs:\n- '10.0.0.0/8' # ours\n- 192.168.0.0/16\n# theirs\n# end\ncidrLimit: 64\n"
    assert joined(text) == wanted


@pytest.mark.parametrize("text", ["", "a: [", "cidrLimit: 3\n", "nonMasqueradeCIDRs: [10.0.0.1/8, 10.0.0.0/8]\n"])
def test_what_the_agent_cannot_read_is_not_joined(text: str) -> None:
    """Joining repairs nothing on the way."""
    assert joined(text) == text


def test_a_tag_that_defeats_an_edit_leaves_the_text_as_it_is() -> None:
    """The place of a tagged list is that of its tag; what would come of an edit there is no YAML."""
    text = "nonMasqueradeCIDRs: !!seq\n- '10.0.0.0/9'\n- !!str '10.128.0.0/9' # both\ncidrLimit: 64\n"
    assert joined(text) == text


def test_long_texts_are_mended_and_joined_in_a_time_that_grows_with_them() -> None:
    """64 KB of one key, and of ranges that share no address, took 47 and 12 seconds."""
    began = time.process_time()
    mended("cidrLimit: 1\n" * 5000)
    ranges = ", ".join(f'"fd00:{number:x}::/64"' for number in range(3000))
    text = f"nonMasqueradeCIDRs: [{ranges}]\n"
    assert joined(text) == text
    assert time.process_time() - began < 6
