"""How the Secret is put in place."""

from __future__ import annotations

from remediation import Steps, advice, few, need

from ..situation import Situation
from .secret_copy import SecretCopy
from .users import Elsewhere


def put(now: Situation) -> Steps:
    """Change a Secret only if nothing else uses it, with a copy of what it held."""
    wanted, present = now.wanted, now.present
    if present is None or wanted.wanted != present.fingerprint:
        elsewhere = now.facts(Elsewhere(wanted.namespace, wanted.name, wanted.service_account))
        need(
            not elsewhere,
            f"{wanted.address} is used elsewhere too: {few(elsewhere)}",
            advice("choose another name with --secret NAME"),
        )
        if present is not None:
            yield SecretCopy(wanted.namespace, wanted.name)
    yield wanted
