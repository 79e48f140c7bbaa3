"""``runbook pause`` and ``runbook unpause``: one switch for everybody who uses this store."""

from __future__ import annotations

from typing import Any

import click

from remediation.cli.console import say
from remediation.cli.layout import labelled
from remediation.cli.options import store_options
from remediation.cli.session import Session
from remediation.model.commands import command


@click.command("pause")
@click.option("--reason", required=True, metavar="TEXT", help="Why; shown to everybody who is refused.")
@store_options
def pause_command(reason: str, **options: Any) -> int:
    """Refuse every run, resume and rollback on this store until unpause."""
    return _set(Session(options), reason)


@click.command("unpause")
@store_options
def unpause_command(**options: Any) -> int:
    """Allow runs again."""
    return _set(Session(options), "")


def _set(session: Session, reason: str) -> int:
    before = session.records.pause(reason) if reason else session.records.unpause()
    if session.json:
        from remediation.cli.render import print_json  # noqa: PLC0415

        print_json({"paused": bool(reason), "reason": reason or None})
    elif reason:
        from remediation.cli.render import next_lines  # noqa: PLC0415 - as above

        say("\n".join([*labelled("paused: ", reason), *next_lines((command("runbook", "unpause"),))]))
    else:
        say("runs are allowed again" if before else f"nothing was paused in {session.records.settings.journal}")
    return 0
