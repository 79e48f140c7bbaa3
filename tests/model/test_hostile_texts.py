"""Who may write a text into a cluster cannot stop who reads it: time and memory grow no faster than the text."""

from __future__ import annotations

import json
import re
import time
import tracemalloc

import pytest

from remediation.model.limits import CONFIGURATION, LOG, MESSAGE
from remediation.model.pull_failures import classify_pull_failure, missing_secrets
from remediation.model.ranges import networks
from runbooks.ip_masq_agent.agent import Agent
from runbooks.ip_masq_agent.config import MasqueradeConfig, Severity, problems
from runbooks.ip_masq_agent.config.document import read
from runbooks.ip_masq_agent.proof import newest_round

# The laughing billion: each line is nine times the one before.
BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
ENTRIES = [f"10.{number // 250}.{number % 250}.0/24" for number in range(3600)]
SLOW = {
    "tabs": "a:\t1\n" * (CONFIGURATION // 20),
    "tabs in a line": "a: b" + "\tb" * (CONFIGURATION // 2 - 10),
    "tabs before a comment": "a: 1\t#\n" * (CONFIGURATION // 32),
    "open lists": "a: " + "[" * (CONFIGURATION - 10),
    "open mappings": "{" * CONFIGURATION,
    "nested lists": "- " * (CONFIGURATION // 2),
    "nested keys": "? " * (CONFIGURATION // 2),
    "nested JSON": '{"a":' + "[" * (CONFIGURATION // 2 - 10) + "]" * (CONFIGURATION // 2 - 10) + "}",
    "keys": "\n".join(f"nonMasqueradeCIDR{number}: 1" for number in range(2600)),
    "entries": json.dumps({"cidrLimit": 10**6, "nonMasqueradeCIDRs": ENTRIES}),
    "a number": "cidrLimit: 0x" + "f" * (CONFIGURATION - 20),
    "a number in sixties": "cidrLimit: " + "1:" * (CONFIGURATION // 2 - 20) + "1",
    "a duration": "resyncInterval: " + "1h" * (CONFIGURATION // 2 - 20),
    "quotes": "'" * (CONFIGURATION - 1),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_configuration_is_read_in_time(name: str) -> None:
    """Whatever stands in the ConfigMap, a plan is made, or refused with a few sentences that a person can read."""
    text = SLOW[name]
    assert len(text) <= CONFIGURATION
    read.cache_clear()
    before = time.process_time()
    found = problems(text)
    if all(problem.severity not in (Severity.REJECTED, Severity.UNREAD) for problem in found):
        MasqueradeConfig.parse(text).without(networks(["10.1.1.0/24"])).lost_comments(text)
    assert time.process_time() - before < 15
    assert len(found) < 70
    assert all(len(problem.message) < MESSAGE + 100 for problem in found)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BOMB, "anchor in line 1"),
        ("nonMasqueradeCIDRs: &all [10.0.0.0/8]\n", "anchor in line 1"),
        ("team: network\nnonMasqueradeCIDRs: *all\n", "alias in line 2"),
        ("<<: {nonMasqueradeCIDRs: []}\n", "merge key in line 1"),
        ("a:\n  <<: [{b: 1}]\n", "merge key in line 2"),
        ("# " + "x" * CONFIGURATION, "65 KB"),
    ],
)
def test_what_stands_for_more_than_it_says_is_not_read(text: str, what: str) -> None:
    """It is told where it stands and what to do; nobody says that the agent rejects it, and nothing builds on it."""
    tracemalloc.start()
    agent = Agent(text, {"kind": "DaemonSet"})
    (told,) = agent.unread
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert what in told
    assert most < 50_000_000
    assert agent.refused == [told]
    assert agent.rejected == []
    assert agent.repaired is None
    assert agent.takes_over_seconds > 0


def test_tabs_are_read_as_the_agent_reads_them() -> None:
    """Between words a tab is a space; what is quoted keeps it, and one that indents is an error for both."""
    text = 'nonMasqueradeCIDRs:\t[10.0.0.0/8,\t"192.168.0.0/16"]\t# ours\nteam:\t"a\tb"\nblock: |\n  a\tb\n'
    config = MasqueradeConfig.parse(text)
    assert len(config.non_masquerade) == 2
    assert config.unknown["team"] == "a\tb"
    assert str(config.unknown["block"]).startswith("a\tb")
    assert "a tab indents the line" in problems("a:\n\tb: 1\n")[0].message


PATTERNS = [
    "lookup " * 9000,
    "lookup " + "x" * 60_000,
    "failed to fetch oauth token: unexpected status " * 1300,
    "failed to fetch anonymous token: unexpected status" + ": 4" * 20_000,
    "Unable to retrieve some image pull secrets (" * 1400,
    "secret " * 9000,
    "dial tcp 1" * 6000,
    "dial tcp " + ":1" * 30_000,
    "dial tcp " + "1" * 60_000,
]


@pytest.mark.parametrize("text", PATTERNS, ids=[text[:40] for text in PATTERNS])
def test_messages_are_judged_in_linear_time(text: str) -> None:
    """A pattern that looks at each place of a text again and again would take minutes."""
    before = time.process_time()
    for _ in range(2):
        classify_pull_failure(text)
        missing_secrets(text)
    assert time.process_time() - before < 2


def test_logs_are_judged_in_linear_time() -> None:
    """The newest round is found in a log that only begins rounds, and in one of a single line."""
    for text in ("using config: {" * (LOG // 15), "using config: {}\n" * (LOG // 17), "error syncing " * (LOG // 14)):
        before = time.process_time()
        newest_round(text)
        assert time.process_time() - before < 2
    found = newest_round('I1 Using config: {"a":{}} \nI1 other\nError syncing configuration: bad\n')
    assert isinstance(found, re.Match)
    assert found["error"] == "bad"
