"""``runbook doctor``: can this machine reach the target, as whom, with which clocks and versions?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from remediation.cli.options import target_options
from remediation.cli.render import print_json
from remediation.cli.session import Session
from remediation.errors import RunbookError
from remediation.model import Cluster, Project

_SKEW_SECONDS = 5.0


@click.command("doctor")
@target_options
def doctor_command(**options: Any) -> int:
    """Check credentials, reachability, permissions, versions and clocks. Read only."""
    session = Session(options)
    checks = [
        _try("journal", lambda: _journal(session)),
        _try("kubernetes", lambda: _kubernetes(session)),
        _try("google", lambda: _google(session)),
    ]
    bad = [item for item in checks if item["status"] == "failing"]
    if session.json:
        print_json({"status": "failing" if bad else "ok", "checks": checks})
    else:
        for item in checks:
            colour = {"ok": "green", "failing": "red"}.get(item["status"], "yellow")
            click.echo(f"{click.style(item['status'].ljust(8), fg=colour)} {item['check']}: {item['detail']}")
            if item["next"]:
                click.echo(f"         next:  {item['next']}")
    return int(bad[0]["exit_code"]) if bad else 0


def _try(name: str, look: Callable[[], tuple[str, str]]) -> dict[str, Any]:
    try:
        status, detail = look()
    except RunbookError as problem:
        return {
            "check": name,
            "status": "failing",
            "detail": problem.summary,
            "next": problem.next,
            "exit_code": problem.exit_code,
        }
    return {"check": name, "status": status, "detail": detail, "next": "", "exit_code": 0}


def _journal(session: Session) -> tuple[str, str]:
    count, _ = session.journal.verify()
    return "ok", f"{session.journal.path}, {count} events, hash chain intact"


def _kubernetes(session: Session) -> tuple[str, str]:
    target = session.target(Cluster)
    client = session.api(target, Cluster).kubernetes
    started = time.monotonic()
    version = client.request("GET", "/version")
    took = time.monotonic() - started
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = client.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"].get("username")
    skew = abs(client.now() - time.time())
    detail = f"{target.context} at {target.server}: {version.get('gitVersion')}, as {user}, {took * 1000:.0f} ms"
    if skew > _SKEW_SECONDS:
        return "failing", f"{detail}; this clock and the server's differ by {skew:.0f} s, which breaks locks and tokens"
    return "ok", detail


def _google(session: Session) -> tuple[str, str]:
    if not session.get("project") and not session.get("sandbox"):
        return "skipped", "no --project was given"
    target = session.target(Project)
    found = session.api(target, Project).google.project(str(target.project))
    return "ok", f"project {found['id']}, number {found['number']}, {found['state']}"
