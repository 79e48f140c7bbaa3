"""In which form an answer is wanted: the whole object, its metadata only, or a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.kubernetes import versions
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import Problem
from runbook_sandbox.kubernetes.requests import Request
from runbook_sandbox.kubernetes.tables import table

PARTIAL = "PartialObjectMetadata"
_PARTIAL_LIST = f"{PARTIAL}List"
_FORMS = frozenset({"Table", PARTIAL, _PARTIAL_LIST})
# Who prefers another encoding reads JSON too: the answer's own content type says what it is.
_MEDIA = frozenset({"application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "*/*"})
_VERSIONS = frozenset({"v1", "v1beta1"})


@dataclass(frozen=True)
class Form:
    """What a client accepts: `name` is empty for plain JSON; `include` is the object of each row of a table."""

    name: str = ""
    version: str = "v1"
    include: str = ""

    def object(self, kind: Kind, obj: Object) -> Any:
        """Return one object in this form; raises Problem (406) for a form of lists."""
        shown = versions.shown(kind, obj)
        if self.name == _PARTIAL_LIST:
            raise _not_acceptable(f"{_PARTIAL_LIST}, but the requested object is not a list (*{_go_type(kind)})")
        if self.name == PARTIAL:
            return self._partial(shown)
        return table(kind, [shown], self.version, self.include) if self.name else shown

    def list(self, kind: Kind, objects: list[Object], metadata: dict[str, Any]) -> Any:
        """Return a list in this form; raises Problem (406) for a form of single objects."""
        items = [versions.shown(kind, each) for each in objects]
        if self.name == PARTIAL:
            raise _not_acceptable(f"{PARTIAL}, but the requested object is a list (*{_go_type(kind)}List)")
        if self.name == _PARTIAL_LIST:
            version = f"meta.k8s.io/{self.version}"
            parts = [self._partial(each) for each in items]
            return {"kind": _PARTIAL_LIST, "apiVersion": version, "metadata": metadata, "items": parts}
        if self.name:
            return table(kind, items, self.version, self.include, metadata)
        # Items of a list do not repeat their kind, as the typed lists of the API server; those of custom ones do.
        plain = [_unnamed(each) for each in items] if kind.type else items
        return {"kind": f"{kind.name}List", "apiVersion": kind.group_version, "metadata": metadata, "items": plain}

    def bookmark(self, kind: Kind, version: int) -> Any:
        """Return the object of a watch's bookmark."""
        bare = {"kind": kind.name, "apiVersion": kind.group_version, "metadata": {"resourceVersion": str(version)}}
        return self._partial(bare) if self.name == PARTIAL else bare

    def _partial(self, obj: Object) -> dict[str, Any]:
        return {"kind": PARTIAL, "apiVersion": f"meta.k8s.io/{self.version}", "metadata": obj["metadata"]}


def wanted(request: Request) -> Form:
    """Return the first form that the request accepts and that can be given.

    Raises:
        Problem: 406 when none can.
    """
    accept = request.headers.get("accept") or "*/*"
    for media, options in map(_split, accept.split(",")):
        name = options.get("as", "")
        if media in _MEDIA and not name:
            return Form()
        if media in _MEDIA and name in _FORMS and options.get("v") in _VERSIONS and options.get("g") == "meta.k8s.io":
            return Form(name, options.get("v", "v1"), request.query.get("includeObject", ""))
    raise _nothing_acceptable(readable=any(_split(part)[0] in _MEDIA for part in accept.split(",")))


def _split(part: str) -> tuple[str, Mapping[str, str]]:
    media, *options = (word.strip() for word in part.split(";"))
    return media, dict(_pairs(options))


def _pairs(options: list[str]) -> Iterator[tuple[str, str]]:
    for word in options:
        name, _, value = word.partition("=")
        yield name.strip(), value.strip()


def _nothing_acceptable(*, readable: bool) -> Problem:
    types = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    if readable:
        return Problem(406, "NotAcceptable", f"only the following media types are accepted: {types}")
    streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    text = f"406: Not Acceptable\n\nAvailable representations: {types}, {streams}"
    return Problem(406, "NotAcceptable", text, {})


def _not_acceptable(why: str) -> Problem:
    return Problem(406, "NotAcceptable", f"you requested {why}")


def _go_type(kind: Kind) -> str:
    return f"{kind.group.partition('.')[0] or 'core'}.{kind.name}"


def _unnamed(obj: Object) -> Object:
    return {key: item for key, item in obj.items() if key not in {"kind", "apiVersion"}}
