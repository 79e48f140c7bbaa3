"""Which runbooks the caller may run on this target: every right that they declare, asked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from remediation.catalogue import loading
from remediation.catalogue.runbook import Runbook
from remediation.model.commands import Hints, command
from remediation.model.rights import Permission
from remediation.model.targets import Cluster, Project, Target
from remediation.verbs.place import Place
from remediation.verbs.rights import permissions_of

# What a runbook declares while it has no parameters; this namespace is asked about in its place.
_PLACEHOLDER, _INSTEAD = "NAMESPACE", "default"


def lacking(place: Place, asked: set[type[Target]]) -> Iterator[tuple[str, str, str, Hints]]:
    """Yield runbook, status, detail and what to type next; only the APIs that answered are asked."""
    needs = {book: _needs(place, book) for book in loading.load().values() if book.target in asked}
    missing = _missing(place, {right for rights in needs.values() for right in rights}, asked)
    for book, rights in needs.items():
        absent = [right for right in rights if right in missing]
        about = f"in namespace {_INSTEAD}, " if any(right.namespace == _INSTEAD for right in rights) else ""
        left = "" if Project in asked or not _google(rights) else "; Google's were not asked for"
        if absent:
            detail = f"{about}{len(absent)} of {len(rights)} are missing, such as: {absent[0]}{left}"
            yield book.name, "missing", detail, (command("runbook", "rbac", book.name),)
        else:
            yield book.name, "ok", f"{about}all {len(rights)} are there{left}", ()


def _needs(place: Place, book: Runbook) -> list[Permission]:
    rights = permissions_of(book, place.target(book.target), {})
    return sorted(
        {replace(right, namespace=_INSTEAD) if right.namespace == _PLACEHOLDER else right for right in rights}
    )


def _missing(place: Place, rights: set[Permission], asked: set[type[Target]]) -> set[Permission]:
    google = _google(rights)
    found: list[Permission] = []
    if Cluster in asked:
        found += place.cluster_api.missing(sorted(rights - google))
    if Project in asked:
        found += place.project_api.missing(sorted(google))
    return set(found)


def _google(rights: set[Permission] | list[Permission]) -> set[Permission]:
    return {right for right in rights if right.provider == "google"}
