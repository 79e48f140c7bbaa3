"""Which masquerade configurations the agent rejects, ignores or obeys to the cluster's harm."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.ip_masq_agent.config import ConfigProblem, MasqueradeConfig, Severity, go_duration, problems, repaired
from runbooks.ip_masq_agent.config.document import comments

FINE = """\
# owner: network team, see https://example.com/#masq
nonMasqueradeCIDRs:
  - 10.0.0.0/8
  - "172.16.0.0/12"  # branch offices
resyncInterval: 60s  # default
"""


def severities(text: str) -> set[tuple[str, Severity]]:
    return {(problem.path, problem.severity) for problem in problems(text)}


# Durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60.0),
        ("1m", 60.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("+10s", 10.0),
        ("-10s", -10.0),
        ("0", 0.0),
        ("300ms", 0.3),
        ("1\u00b5s", 1e-6),
        ("1\u03bcs", 1e-6),
        ("2us", 2e-6),
        ("1ns", 1e-9),
        ("1h1h", 7200.0),
    ],
)
def test_go_durations_are_read_in_seconds(text: str, seconds: float) -> None:
    """Every form that Go documents is accepted."""
    assert go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["60", "", "s", ".s", "1 s", "60 ", "60S", "1d", "1e3s", "--1s", "1h-30m", "9999999h"])
def test_what_go_refuses_is_refused(text: str) -> None:
    """Text that Go's parser rejects raises an error that shows the text."""
    with pytest.raises(ValueError, match=r"unit|duration"):
        go_duration(text)


@given(hours=st.integers(0, 1000), minutes=st.integers(0, 59), milliseconds=st.integers(0, 59_999))
def test_durations_written_by_go_are_read_back(hours: int, minutes: int, milliseconds: int) -> None:
    """The form that Go prints, such as 1h2m3.5s, gives the number of seconds it stands for."""
    text = f"{hours}h{minutes}m{milliseconds / 1000:.3f}s"
    assert go_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000)


# Problems


@pytest.mark.parametrize(
    ("text", "path", "severity", "words"),
    [
        ("resyncInterval: 60", "resyncInterval", "rejected", "text with a unit"),
        ('resyncInterval: "60"', "resyncInterval", "rejected", "no unit"),
        ("resyncInterval: 60x", "resyncInterval", "rejected", 'unknown unit "x"'),
        ("resyncInterval:", "resyncInterval", "rejected", "null"),
        ("resyncInterval: 9s", "resyncInterval", "dangerous", "at least 10s"),
        ('resyncInterval: "0"', "resyncInterval", "dangerous", "at least 10s"),
        ("resyncInterval: -1m", "resyncInterval", "dangerous", "at least 10s"),
        ("nonMasqueradeCIDRs: [10.0.0.1/8]", "nonMasqueradeCIDRs[0]", "rejected", 'write "10.0.0.0/8"'),
        ("nonMasqueradeCIDRs: [10.0.0.0]", "nonMasqueradeCIDRs[0]", "rejected", "is not a CIDR"),
        ("nonMasqueradeCIDRs: [10.0.0.0/255.0.0.0]", "nonMasqueradeCIDRs[0]", "rejected", "is not a CIDR"),
        ("nonMasqueradeCIDRs: [10.0.0.0/33]", "nonMasqueradeCIDRs[0]", "rejected", "is not a CIDR"),
        ("nonMasqueradeCIDRs: [10]", "nonMasqueradeCIDRs[0]", "rejected", "the number 10"),
        ("nonMasqueradeCIDRs: 10.0.0.0/8", "nonMasqueradeCIDRs", "rejected", "must be a list"),
        ("nonMasqueradeCIDRs: []", "nonMasqueradeCIDRs", "dangerous", "empty"),
        ("nonMasqueradeCIDRs:", "nonMasqueradeCIDRs", "dangerous", "empty"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]", "nonMasqueradeCIDRs[1]", "ignored", "repeats"),
        ("nonMasqueradeCIDRs: [0.0.0.0/0]", "nonMasqueradeCIDRs[0]", "dangerous", "Cloud NAT"),
        ('nonMasqueradeCIDRs: ["::/0"]', "nonMasqueradeCIDRs[0]", "dangerous", "Cloud NAT"),
        ("cidrLimit: lots", "cidrLimit", "rejected", "whole number"),
        ("cidrLimit: true", "cidrLimit", "rejected", "whole number"),
        ("masqLinkLocal: true", "masqLinkLocal", "dangerous", "link-local destinations"),
        ('masqLinkLocal: "true"', "masqLinkLocal", "rejected", "true or false"),
        ("masqLinkLocalIPv6: 1", "masqLinkLocalIPv6", "rejected", "true or false"),
        ("nonMasqueradeCIDR: []", "nonMasqueradeCIDR", "ignored", "did you mean nonMasqueradeCIDRs?"),
        ("resyncIntervall: 60s", "resyncIntervall", "ignored", "did you mean resyncInterval?"),
        ("colour: blue", "colour", "ignored", "allowed keys are"),
        ("masqLinkLocal: false\nMASQLINKLOCAL: true", "MASQLINKLOCAL", "ignored", "write it once"),
        ("masqLinkLocal: false\n---\nfoo: [", "config", "ignored", "more than one YAML document"),
        ("- 10.0.0.0/8", "config", "rejected", "not a mapping"),
        ("just words", "config", "rejected", "not a mapping"),
        ("", "config", "ignored", "defaults"),
        ("a:\n\tb: 1", "config", "rejected", "a tab indents"),
        ("a: [", "config", "rejected", "not valid YAML"),
        ('{"masqLinkLocal": tru', "config", "rejected", "not valid YAML"),
        ("[" * 800, "config", "rejected", "nested too deeply"),
    ],
)
def test_each_fault_is_named_with_its_field_and_what_is_allowed(
    text: str, path: str, severity: str, words: str
) -> None:
    """Every fault gives exactly one problem with its path, its severity and a sentence about the allowed values."""
    (problem,) = problems(text)
    assert (problem.path, problem.severity) == (path, severity)
    assert words in problem.message
    assert problem.message[-1] in ".?"


@pytest.mark.parametrize(
    "text",
    [
        None,
        FINE,
        "NONMASQUERADECIDRS: [10.0.0.0/8]\nResyncinterval: 1m",
        "masqLinkLocal:\t\tfalse\t# tabs between words are fine for the agent\n",
        "---\nmasqLinkLocal: false\n",
        '{\n\t"resyncInterval": "30s"\n}',
    ],
)
def test_a_configuration_that_the_agent_understands_has_no_problems(text: str | None) -> None:
    """Key case, JSON with tabs, a leading document marker and comments are no faults."""
    assert problems(text) == []


def test_all_faults_are_listed_at_once() -> None:
    """One look shows everything, so nobody repairs a configuration in rounds."""
    text = "resyncInterval: 60\nmasqLinkLocal: 1\nnonMasqueradeCIDRs: [10.0.0.1/8, x]\n"
    with pytest.raises(ConfigProblem) as caught:
        MasqueradeConfig.parse(text)
    assert len(caught.value.problems) == 4
    assert "resyncInterval is the number 60" in str(caught.value)


def test_the_list_may_have_as_many_entries_as_the_agent_accepts() -> None:
    """64 entries pass, 65 are rejected, and cidrLimit moves the limit."""
    text = json.dumps({"nonMasqueradeCIDRs": [f"10.{i}.0.0/16" for i in range(65)]})
    assert severities(text) == {("nonMasqueradeCIDRs", Severity.REJECTED)}
    assert "65 entries" in problems(text)[0].message
    assert problems(text.replace('"10.64.0.0/16"', '"10.63.0.0/16"').replace(', "10.63.0.0/16"', "", 1)) == []
    assert problems(text[:-1] + ', "CidrLimit": 65}') == []


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("nonMasqueradeCIDRs: [0.0.0.0/0]", False),
        ("nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]", True),
        ("masqLinkLocal: true", False),
        ("nonMasqueradeCIDRs: [10.0.0.0/8]\nnonMasqueradeCIDRs: [10.0.0.0/9]", True),
        ("NonMasqueradeCIDRs: [10.0.0.0/8]\nnonMasqueradeCIDRs: [10.0.0.0/9]", True),
        ('{"cidrLimit": 64, "cidrLimit": 65}', True),
        ("resyncInterval: 1s", True),
        ("resyncInterval: -1m", True),
        ("nonMasqueradeCIDRs: []", False),
        ("colour: blue", False),
    ],
)
def test_no_change_may_build_on_what_is_dangerous(text: str, refused: bool) -> None:
    """What would do harm stops a change; what is merely odd is told."""
    assert [problem.refused for problem in problems(text)] == [refused]


def test_a_misspelt_key_is_told_from_an_unknown_one() -> None:
    """A key of somebody else's is no fault, a misspelt one means that settings are ignored."""
    assert [problem.meant for problem in problems("nonMasqueradeCIDR: [10.0.0.0/8]")] == ["nonMasqueradeCIDRs"]
    assert [problem.meant for problem in problems("colour: blue")] == [""]


def test_ipv6_entries_are_rejected_by_an_agent_without_ipv6() -> None:
    """The same text is fine or rejected depending on the agent's --enable-ipv6."""
    text = 'nonMasqueradeCIDRs: ["fd00::/8"]'
    assert problems(text) == []
    assert [problem.severity for problem in problems(text, ipv6=False)] == ["rejected"]
    assert MasqueradeConfig.parse(text).explicit
    with pytest.raises(ConfigProblem):
        MasqueradeConfig.parse(text, ipv6=False)


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text(alphabet="nomasqCIDRs:[]{}\"'#-\t\n 10./", max_size=60))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    """Whatever stands in a ConfigMap is either read or answered with problems."""
    found = problems(text)
    if all(problem.severity not in (Severity.REJECTED, Severity.UNREAD) for problem in found):
        MasqueradeConfig.parse(text)
    comments(text)
    repaired(text)
