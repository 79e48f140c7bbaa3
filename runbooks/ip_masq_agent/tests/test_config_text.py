"""How a masquerade configuration is written into the operator's text, and what of that text stays."""

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.model.ranges import Network
from runbooks.ip_masq_agent.config import ConfigProblem, MasqueradeConfig, repaired
from runbooks.ip_masq_agent.config.document import comments

PARTNER = IPv4Network("10.1.125.0/24")
BASE = int(IPv4Address("192.0.2.0"))

COMMENTED = """\
# owner: network team, see https://example.com/#masq
nonMasqueradeCIDRs:
  - 10.0.0.0/8
  - "172.16.0.0/12"  # branch offices
resyncInterval: 60s  # default
"""

small_lists = st.lists(
    st.integers(0, 255).map(lambda offset: IPv4Network((BASE + offset, 32)).supernet(new_prefix=26 + offset % 7)),
    max_size=6,
).map(tuple)


# Writing


def test_only_the_entry_that_changes_is_rewritten() -> None:
    """Comments, quotes, indentation and the other fields stay exactly as they were."""
    config = MasqueradeConfig.parse(COMMENTED).without([IPv4Network("10.128.0.0/9")])
    assert config.render(COMMENTED) == COMMENTED.replace("10.0.0.0/8", "10.0.0.0/9")
    assert config.lost_comments(COMMENTED) == []


def test_a_comment_that_would_be_lost_is_told() -> None:
    """Dropping an entry drops the comment beside it, and the caller can ask first."""
    text = "nonMasqueradeCIDRs:\n- 10.0.0.0/8 # cloud\n- 192.168.0.0/16 # office\n"
    config = MasqueradeConfig.parse(text).without([IPv4Network("192.168.0.0/16")])
    assert config.lost_comments(text) == ["# cloud"]
    assert MasqueradeConfig.parse(text).render(text) == text


def test_a_lost_comment_is_told_although_another_says_the_same() -> None:
    """Comments are counted: one of two equal ones is still a loss."""
    text = "nonMasqueradeCIDRs:\n- 10.0.0.0/8 # datacentre\n- 192.168.0.0/16 # datacentre\n"
    config = MasqueradeConfig.parse(text).without([IPv4Network("192.168.0.0/16")])
    assert config.lost_comments(text) == ["# datacentre"]


@pytest.mark.parametrize(
    "text",
    [
        '{"nonMasqueradeCIDRs":["10.0.0.0/8"],"team":"network"}',
        '{\n  "team": "network",\n  "nonmasqueradecidrs": [\n    "10.0.0.0/8",\n    "172.16.0.0/12"\n  ]\n}\n',
        '{\n\t"team": "network"\n}',
        "{}",
    ],
)
def test_json_stays_json(text: str) -> None:
    """The result is JSON with the same keys in the same order, plus the list when it was not there."""
    result = json.loads(MasqueradeConfig.parse(text).without([PARTNER]).render(text))
    keys = list(json.loads(text))
    assert [key for key in result if key in keys] == keys
    assert {key.lower() for key in result} - {key.lower() for key in keys} <= {"nonmasqueradecidrs"}
    assert all(result[key] == value for key, value in json.loads(text).items() if key == "team")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "# first settings follow\n",
        "masqLinkLocal: false\nteam:\n  name: network\n",
        "  team: network\n  NonMasqueradeCIDRs:\n  - 10.0.0.0/8\n",
        "{masqLinkLocal: false, team: network}",
        "NonMasqueradeCIDRs: ['10.0.0.0/8', 10.0.0.0/8]",
        "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n---\nsecond: document\n",
        "nonMasqueradeCIDRs: [\n  10.0.0.0/8,\n  192.168.0.0/16\n]\n",
        'nonMasqueradeCIDRs:\r\n- 10.0.0.0/8\r\nresyncInterval: "1m"\r\n',
    ],
)
def test_every_layout_is_written_so_that_the_agent_reads_it_back(text: str | None) -> None:
    """Whatever the layout, the written text means the wanted configuration and has the other keys still."""
    config = MasqueradeConfig.parse(text).without([PARTNER])
    written = MasqueradeConfig.parse(config.render(text))
    assert written.same_as(config)
    assert written.non_masquerade == config.non_masquerade
    assert written.unknown == config.unknown
    assert config.render(config.render(text)) == config.render(text)


@pytest.mark.parametrize("text", ["nonMasqueradeCIDRs:\n- 10.1.125.0/24", '{"nonMasqueradeCIDRs": ["10.1.125.0/24"]}'])
def test_an_emptied_list_is_written_as_an_empty_list(text: str) -> None:
    """An empty list is not the same as no list, so it is written out."""
    config = MasqueradeConfig.parse(text).without([PARTNER])
    assert MasqueradeConfig.parse(config.render(text)).non_masquerade == ()
    assert MasqueradeConfig.parse(config.render(None)).non_masquerade == ()


def test_a_broken_original_is_not_written_over() -> None:
    """There is nothing to compare with, so the caller must repair the text first."""
    with pytest.raises(ConfigProblem):
        MasqueradeConfig.parse("nonMasqueradeCIDRs: [10.0.0.0/8]").render("resyncInterval: 60")


@given(
    blocks=small_lists,
    six=st.booleans(),
    link_local=st.booleans(),
    interval=st.none() | st.sampled_from(["60s", "1m", "1h30m", "10.5s"]),
    limit=st.integers(7, 100),
    unknown=st.dictionaries(st.sampled_from(["team", "since", "x-y"]), st.text() | st.integers() | st.booleans()),
    original=st.sampled_from(
        [None, "", "{}", COMMENTED, '{"masqLinkLocal": true}', "resyncInterval: 5m\ncidrLimit:\nmasqLinkLocalIPv6: on"]
    ),
)
def test_what_is_written_is_read_back_the_same(
    blocks: tuple[Network, ...],
    six: bool,
    link_local: bool,
    interval: str | None,
    limit: int,
    unknown: dict[str, object],
    original: str | None,
) -> None:
    """Reading the written text gives the same configuration, over any original text."""
    listed = (*blocks, IPv6Network("2001:db8::/32")) if six else blocks
    config = MasqueradeConfig(listed, link_local, six, interval, limit, unknown, explicit=True)
    back = MasqueradeConfig.parse(config.render(original))
    assert back.same_as(config)
    assert back.non_masquerade == config.non_masquerade
    assert back.cidr_limit == limit
    if original is None:
        assert back.unknown == unknown


# Comments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1 # yes", True),
        ("# yes\na: 1", True),
        ("a: [1, # yes\n 2]", True),
        ("a: | # yes\n  text\n", True),
        ("a: '# no'", False),
        ('a: "# no"', False),
        ("a: no#comment", False),
        ("a: |\n  # no\n", False),
        ('{"a": "# no"}', False),
        ("", False),
    ],
)
def test_comments_are_told_from_text(text: str, expected: bool) -> None:
    """A hash sign starts a comment only where YAML says so."""
    assert bool(comments(text)) is expected


# Repairing


@pytest.mark.parametrize("broken", ["60", '"60"', "'60'"])
def test_a_missing_unit_is_added_and_nothing_else_changes(broken: str) -> None:
    """The repaired text differs in the one value and has no rejected field left."""
    text = f"# note\nnonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: {broken}  # seconds\n"
    assert repaired(text) == text.replace(f"resyncInterval: {broken}", 'resyncInterval: "60s"')


@pytest.mark.parametrize(
    "text",
    [
        "resyncInterval: 60s",
        "resyncInterval: soon",
        "resyncInterval: 0",
        "resyncInterval: 5",
        'resyncInterval: "9"',
        "resyncInterval: 60\nnonMasqueradeCIDRs: [10.0.0.1/8]",
        "resyncInterval: 60\nmasqLinkLocal: 1",
        "base: &seconds 60\nresyncInterval: *seconds\n",
        "a: [",
        "",
        "{}",
    ],
)
def test_other_faults_are_not_repaired(text: str) -> None:
    """Only the missing unit has an answer that nobody needs to think about, and only where that heals the text."""
    assert repaired(text) is None


def test_a_repair_has_to_satisfy_the_agent_that_runs() -> None:
    """An IPv6 entry is still rejected by an agent without --enable-ipv6, so the interval alone is no repair."""
    text = 'resyncInterval: 60\nnonMasqueradeCIDRs: ["fd00::/8"]\n'
    assert repaired(text) is not None
    assert repaired(text, ipv6=False) is None
