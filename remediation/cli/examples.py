"""Examples of each verb, as ``--help`` shows them."""

from __future__ import annotations

_MASQUERADE = "ip-masq-agent --masquerade 10.1.0.0/16 --context example-prod"
_EXAMPLES = {
    "": (
        "Rehearse on the embedded cluster:",
        "  runbook sandbox break ip-masq-agent",
        "  runbook diagnose --sandbox",
        "  runbook run ip-masq-agent --masquerade 10.1.0.0/16 --sandbox",
        "On a real one:",
        f"  runbook plan {_MASQUERADE}",
        f"  runbook run {_MASQUERADE}",
        "  runbook rollback last",
    ),
    "list": ("runbook list", "runbook list -o json"),
    "show": ("runbook show pull-secret",),
    "diagnose": ("runbook diagnose --context example-prod", "runbook diagnose ipam-cleanup --sandbox"),
    "plan": (f"runbook plan {_MASQUERADE}", f"runbook plan {_MASQUERADE} --out plan.json"),
    "run": (
        f"runbook run {_MASQUERADE}",
        "runbook run ip-masq-agent --plan plan.json --context example-prod --yes",
        "runbook run container-service-agent --project example-prod --dry-run",
    ),
    "verify": ("runbook verify last", "runbook verify 20260102-030405-ab12 --within 120"),
    "rollback": ("runbook rollback last --dry-run", "runbook rollback 20260102-030405-ab12"),
    "resume": ("runbook resume last", "runbook resume 20260102-030405-ab12 --yes"),
    "runs": ("runbook runs", "runbook runs last", "runbook runs -o json"),
    "audit": ("runbook audit verify",),
    "pause": ('runbook pause --reason "change freeze until Monday"',),
    "unpause": ("runbook unpause",),
    "rbac": (
        "runbook rbac ip-masq-agent | kubectl apply -f -",
        "runbook rbac pull-secret --namespace shop --service-account web --registry gcr.io",
    ),
    "doctor": ("runbook doctor --context example-prod --project example-prod",),
    "sandbox": (
        "runbook sandbox up",
        "runbook sandbox break pull-secret",
        "runbook diagnose --sandbox",
        'eval "$(runbook sandbox env)"',
        "runbook sandbox down",
    ),
    "new": ("runbook new start-pods", "runbook new start-pods --catalogue our-runbooks --package"),
    "completion": (
        "bash:  source <(runbook completion bash)",
        "zsh:   source <(runbook completion zsh)",
        "fish:  runbook completion fish | source",
    ),
}


def examples(verb: str) -> str:
    """Return the end of a verb's help; the first character keeps click from wrapping it."""
    return block(_EXAMPLES[verb])


def block(lines: tuple[str, ...]) -> str:
    """Return example lines under a title."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in lines)])
