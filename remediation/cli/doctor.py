"""``runbook doctor``: what was asked of this machine and its target, and the answers."""

from __future__ import annotations

from typing import Any

import click

from remediation.cli.console import say, style
from remediation.cli.hints import here
from remediation.cli.layout import labelled
from remediation.cli.options import target_options
from remediation.cli.render import next_lines, print_json
from remediation.cli.session import Session
from remediation.model.commands import joined
from remediation.model.diffing import State
from remediation.verbs import Answer

_COLOURS = {"ok": "green", "failing": "red"}


@click.command("doctor")
@target_options
def doctor_command(**options: Any) -> int:
    """Check credentials, reachability, permissions, versions and clocks. Read only.

    Exits 3 where rights for a runbook are missing.
    """
    session = Session(options)
    found = session.work.doctor()
    bad = [item for status in ("failing", "missing") for item in found if item.status == status]
    if session.json:
        print_json({"status": bad[0].status if bad else "ok", "checks": [_as_json(item) for item in found]})
    else:
        for item in found:
            _say(item)
    return bad[0].exit_code if bad else 0


def _as_json(item: Answer) -> State:
    return {
        "check": item.check,
        "status": item.status,
        "detail": item.detail,
        "next": joined(here(item.next)),
        "exit_code": item.exit_code,
    }


def _say(item: Answer) -> None:
    label = f"{style(item.status.ljust(8), fg=_COLOURS.get(item.status, 'yellow'))} "
    say("\n".join(labelled(label, f"{item.check}: {item.detail}")))
    say("".join(f"         {line}\n" for line in next_lines(item.next)), end="")
