"""Doctor: can this machine reach the target, as whom, with which versions, clock and rights? Read only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from remediation.model.commands import RIGHTS, Hint, Hints, command, hints
from remediation.model.errors import RunbookError
from remediation.model.targets import Cluster, Project, Target
from remediation.verbs.lacking import lacking
from remediation.verbs.place import Place

_SKEW_SECONDS = 5.0
_DOCTOR = command("runbook", "doctor")
_REFUSED = 3  # what a run ends with that lacks a right


@dataclass(frozen=True)
class Answer:
    """What one question was answered with.

    Attributes:
        check: what was asked about.
        status: ``ok``, ``skipped``, ``missing`` or ``failing``.
        detail: what was found.
        next: what to do about it.
        exit_code: what a verb ends with for this reason.
    """

    check: str
    status: str
    detail: str
    next: Hints = ()
    exit_code: int = 0


def answers(place: Place) -> Iterator[Answer]:
    """Ask everything; only the APIs that answered are asked for rights."""
    yield Answer("versions", "ok", _versions())
    yield _try("journal", lambda: _journal(place))
    cluster = _try("kubernetes", lambda: _kubernetes(place), command("kubectl", "cluster-info"))
    yield cluster
    if cluster.status == "ok":
        yield _clock(place)
    describe = command("gcloud", "projects", "describe", str(place.settings.known("project")))
    cloud = _try("google", lambda: _google(place), describe)
    yield cloud
    asked: set[type[Target]] = {kind for kind, found in ((Cluster, cluster), (Project, cloud)) if found.status == "ok"}
    yield from _rights(place, asked)


def _rights(place: Place, asked: set[type[Target]]) -> Iterator[Answer]:
    try:
        for name, status, detail, following in lacking(place, asked):
            yield Answer(f"rights for {name}", status, detail, following, _REFUSED)
    except RunbookError as problem:
        yield Answer("rights", "failing", problem.summary, problem.next, problem.exit_code)


def _try(name: str, look: Callable[[], tuple[str, str]], instead: Hint | Hints = ()) -> Answer:
    """Look, and tell an error with its own hint, or with another one where that would lead back to here."""
    try:
        return Answer(name, *look())
    except RunbookError as problem:
        following = instead if any(_leads_here(way) for way in problem.next) else problem.next
        return Answer(name, "failing", problem.summary, hints(following), problem.exit_code)


def _leads_here(way: Hint) -> bool:
    """Tell whether a hint is this verb; so is the role of a runbook, where no runbook is at work."""
    return way == RIGHTS or _DOCTOR in (way, *getattr(way, "parts", ()))


def _versions() -> str:
    import platform  # noqa: PLC0415
    from importlib.metadata import version  # noqa: PLC0415

    ours, client = version("remediation-runbooks"), version("kubernetes")
    return f"runbook {ours}, Python {platform.python_version()}, Kubernetes client {client}"


def _journal(place: Place) -> tuple[str, str]:
    found = place.journal.verify()
    return "ok", f"{place.journal.where}, {found.entries} events, hash chains intact"


def _kubernetes(place: Place) -> tuple[str, str]:
    target = place.target(Cluster)
    client = place.cluster_api.kubernetes
    started = time.monotonic()
    version = client.request("GET", "/version")
    took = time.monotonic() - started
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = client.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"].get("username")
    return "ok", f"{target.context} at {target.server}: {version.get('gitVersion')}, as {user}, {took * 1000:.0f} ms"


def _clock(place: Place) -> Answer:
    """Compare the clocks as of the last answer; the server tells whole seconds only."""
    skew = place.cluster_api.kubernetes.now() - time.time()
    detail = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the API server's"
    if abs(skew) <= _SKEW_SECONDS:
        near = "less than a second or two from the API server's"
        return Answer("clock", "ok", detail if abs(skew) > 1 else near)
    fix = hints(command("timedatectl", "status"))
    return Answer("clock", "failing", f"{detail}, which breaks locks and tokens", fix, 1)


def _google(place: Place) -> tuple[str, str]:
    if not place.settings.known("project"):
        return "skipped", "no --project was given"
    target = place.target(Project)
    found = place.project_api.google.project(str(target.project))
    return "ok", f"project {found['id']}, number {found['number']}, {found['state']}"
