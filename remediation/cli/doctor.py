"""``runbook doctor``: can this machine reach the target, as whom, with which versions, clock and rights?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from remediation.cli.console import say, style
from remediation.cli.hints import here
from remediation.cli.layout import labelled
from remediation.cli.options import target_options
from remediation.cli.render import next_lines, print_json
from remediation.cli.rights import look as rights
from remediation.cli.session import Session
from remediation.model.commands import RIGHTS, Hint, Hints, command, hints, joined
from remediation.model.errors import RunbookError
from remediation.model.targets import Cluster, Project, Target

_SKEW_SECONDS = 5.0
_DOCTOR = command("runbook", "doctor")
_COLOURS = {"ok": "green", "failing": "red"}
_REFUSED = 3  # what a run ends with that lacks a right


@click.command("doctor")
@target_options
def doctor_command(**options: Any) -> int:
    """Check credentials, reachability, permissions, versions and clocks. Read only.

    Exits 3 where rights for a runbook are missing.
    """
    session = Session(options)
    checks = list(_checks(session))
    bad = [item for status in ("failing", "missing") for item in checks if item["status"] == status]
    if session.json:
        shown = [item | {"next": joined(here(item["next"]))} for item in checks]
        print_json({"status": bad[0]["status"] if bad else "ok", "checks": shown})
    else:
        for item in checks:
            label = f"{style(item['status'].ljust(8), fg=_COLOURS.get(item['status'], 'yellow'))} "
            say("\n".join(labelled(label, f"{item['check']}: {item['detail']}")))
            say("".join(f"         {line}\n" for line in next_lines(item["next"])), end="")
    return int(bad[0]["exit_code"]) if bad else 0


def _checks(session: Session) -> Iterator[dict[str, Any]]:
    yield _check("versions", "ok", _versions())
    yield _try("journal", lambda: _journal(session))
    cluster = _try("kubernetes", lambda: _kubernetes(session), command("kubectl", "cluster-info"))
    yield cluster
    if cluster["status"] == "ok":
        yield _clock(session)
    cloud = _try(
        "google", lambda: _google(session), command("gcloud", "projects", "describe", str(session.get("project")))
    )
    yield cloud
    asked: set[type[Target]] = {
        kind for kind, check in ((Cluster, cluster), (Project, cloud)) if check["status"] == "ok"
    }
    try:
        for name, status, detail, following in rights(session, asked):
            yield _check(f"rights for {name}", status, detail, following, _REFUSED)
    except RunbookError as problem:
        yield _check("rights", "failing", problem.summary, problem.next, problem.exit_code)


def _check(name: str, status: str, detail: str, following: Hint | Hints = (), code: int = 0) -> dict[str, Any]:
    return {"check": name, "status": status, "detail": detail, "next": hints(following), "exit_code": code}


def _try(name: str, look: Callable[[], tuple[str, str]], instead: Hint | Hints = ()) -> dict[str, Any]:
    """Look, and tell an error with its own hint, or with another one where that would lead back to here."""
    try:
        return _check(name, *look())
    except RunbookError as problem:
        following = instead if any(_leads_here(way) for way in problem.next) else problem.next
        return _check(name, "failing", problem.summary, following, problem.exit_code)


def _leads_here(way: Hint) -> bool:
    """Tell whether a hint is this command; so is the role of a runbook, where no runbook is at work."""
    return way == RIGHTS or _DOCTOR in (way, *getattr(way, "parts", ()))


def _versions() -> str:
    import platform  # noqa: PLC0415
    from importlib.metadata import version  # noqa: PLC0415

    ours, client = version("remediation-runbooks"), version("kubernetes")
    return f"runbook {ours}, Python {platform.python_version()}, Kubernetes client {client}"


def _journal(session: Session) -> tuple[str, str]:
    count, _ = session.journal.verify()
    return "ok", f"{session.journal.path}, {count} events, hash chain intact"


def _kubernetes(session: Session) -> tuple[str, str]:
    target = session.target(Cluster)
    client = session.cluster_api.kubernetes
    started = time.monotonic()
    version = client.request("GET", "/version")
    took = time.monotonic() - started
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = client.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"].get("username")
    return "ok", f"{target.context} at {target.server}: {version.get('gitVersion')}, as {user}, {took * 1000:.0f} ms"


def _clock(session: Session) -> dict[str, Any]:
    """Compare the clocks as of the last answer; the server tells whole seconds only."""
    skew = session.cluster_api.kubernetes.now() - time.time()
    detail = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the API server's"
    if abs(skew) <= _SKEW_SECONDS:
        return _check("clock", "ok", detail if abs(skew) > 1 else "less than a second or two from the API server's")
    return _check("clock", "failing", f"{detail}, which breaks locks and tokens", command("timedatectl", "status"), 1)


def _google(session: Session) -> tuple[str, str]:
    if not session.get("project") and not session.get("sandbox"):
        return "skipped", "no --project was given"
    target = session.target(Project)
    found = session.project_api.google.project(str(target.project))
    return "ok", f"project {found['id']}, number {found['number']}, {found['state']}"
