"""The `Warning` headers of answers: what was wrong with a request that was carried out nevertheless."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_sandbox.kubernetes import problems
from runbook_sandbox.kubernetes.decoding import Decoder
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.requests import Request

_DEPRECATED = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
}
_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set"
    " propagationPolicy=Orphan to suppress this warning"
)


def about(kind: Kind, request: Request) -> str:
    """Return what is said about every request to a kind, perhaps nothing."""
    if kind.storage == "jobs.batch" and request.method == "DELETE" and b"propagationPolicy" not in request.body:
        return "" if "propagationPolicy" in request.query else _ORPHANS
    return _DEPRECATED.get(kind.storage, "")


def joined(note: str, present: Mapping[str, str]) -> dict[str, str]:
    """Return the header with a note before the warnings that are there."""
    others = present.get("Warning", "")
    return {"Warning": f'299 - "{note}"' + (f", {others}" if others else "")} if note else {}


def of_fields(decoder: Decoder, request: Request) -> dict[str, str]:
    """Return the warning header of unknown fields; raises Problem (400) for them in strict validation."""
    kind = decoder.kind
    if decoder.complaints and request.query.get("fieldValidation") == "Strict":
        raise problems.bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {decoder.summary()}'
        )
    return headers(decoder.complaints, request)


def headers(complaints: list[str], request: Request) -> dict[str, str]:
    """Return the warning header of complaints, unless the request does not care."""
    if not complaints or request.query.get("fieldValidation") == "Ignore":
        return {}
    quoted = (each.replace("\\", "\\\\").replace('"', '\\"') for each in complaints)
    return {"Warning": ", ".join(f'299 - "{each}"' for each in quoted)}
