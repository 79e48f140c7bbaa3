"""Many findings fit a screen; what is left out is counted, and shown when asked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.cli.console import unstyled
from remediation.cli.findings import Told, findings_text
from remediation.model.commands import command
from remediation.model.steps import Finding


def leak(node: str, *evidence: str) -> Told:
    finding = Finding("fault", f"pods on {node} get no address: addresses leaked", f"node/{node}", evidence, "probable")
    return Told("ipam-cleanup", finding, command("runbook", "plan", "ipam-cleanup", "--node", node))


def shown(*found: Told, full: bool = False) -> list[str]:
    return unstyled(findings_text(list(found), full=full).text).split("\n")


def test_the_same_on_forty_nodes() -> None:
    """Two are told in full, the others by name and number; all with --full."""
    found = [leak(f"node-{number:02}") for number in range(40)]
    lines = shown(*found, Told("pull-secret", Finding("healthy", "no pod waits for an image")))
    assert lines[-3:] == [
        "FAULT    ipam-cleanup: 38 more like this: node/node-02, node/node-03, +36",
        "ok       pull-secret: no pod waits for an image",
        "  in brief, 8 of 121 lines; --full shows all",
    ]
    assert sum("next:  runbook plan ipam-cleanup --node" in line for line in shown(*found, full=True)) == 40


def test_different_faults_stay_apart() -> None:
    """Only what differs in nothing but the resource shares a line."""
    accounts = [
        Finding("fault", f"pods of shop/{name} cannot pull from gcr.io", f"pod/shop/{name}-x", ("why " * 60,))
        for name in ("cart", "mail", "pay", "web", "auth")
    ]
    lines = shown(*(Told("pull-secret", finding) for finding in accounts))
    assert sum("cannot pull" in line for line in lines) == 5


def test_evidence_of_one_kind_is_counted() -> None:
    """Sixty destinations that differ in addresses and pods; what says something else is kept."""
    probes = [f"probes time out to 10.{number}.0.1/32: event of pod shop/client-{number}" for number in range(60)]
    finding = Finding("fault", "pods time out", "configmap/kube-system/x", (*probes, "events are text"), "possible")
    lines = shown(Told("ip-masq-agent", finding))
    assert "         +58 more like this" in lines
    assert "         events are text" in lines
    assert len(lines) < 12
    assert all(any(f"10.{number}.0.1/32" in line for line in shown(Told("ip-masq-agent", finding), full=True)) for number in range(60))  # fmt: skip


_TEXTS = st.text("abc def-./:019\u202e", max_size=150)
_FINDINGS = st.builds(
    Finding, st.sampled_from(["fault", "healthy", "unknown"]), _TEXTS, _TEXTS, st.lists(_TEXTS, max_size=9).map(tuple),
    excluded=st.lists(_TEXTS, max_size=3).map(tuple),
)  # fmt: skip


@settings(max_examples=25)
@given(st.lists(_FINDINGS, max_size=9))
def test_no_line_is_wider_than_a_terminal(findings: list[Finding]) -> None:
    """But for a word that is longer, and for a command, which is copied."""
    for line in shown(*(Told("pull-secret", item, command("runbook", "plan")) for item in findings)):
        assert len(line) <= 80 or max(map(len, line.split(" "))) > 60
