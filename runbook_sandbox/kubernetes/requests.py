"""A request to the API, its answer, and what its path means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook_sandbox.kubernetes.kinds import Kind, Kinds
from runbook_sandbox.kubernetes.problems import UnknownPath, no_resource, wrong_method
from runbook_sandbox.kubernetes.responses import Response

__all__ = ["ADMINISTRATOR", "Request", "Response", "Route", "User", "route"]
_TRUE = frozenset({"true", "1", "t", "T", "TRUE", "True"})
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()


ADMINISTRATOR = User("kubernetes-admin", ("system:masters", "system:authenticated"))


@dataclass
class Request:
    """One HTTP request; header names are in lower case. `is_trusted` is one to a port that asks nobody who they are."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User = ADMINISTRATOR
    uri: str = ""
    groups: tuple[str, ...] = ()
    is_trusted: bool = False

    @property
    def content_type(self) -> str:
        """Return the media type of the body."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def is_dry_run(self) -> bool:
        """Tell whether nothing must be stored."""
        return self.query.get("dryRun") == "All"

    @property
    def manager(self) -> str:
        """Return the field manager; the program's name where none is given."""
        program = self.headers.get("user-agent", "unknown").partition("/")[0]
        return self.query.get("fieldManager") or program or "unknown"

    def flag(self, name: str) -> bool:
        """Return a query parameter as a boolean."""
        return self.query.get(name, "") in _TRUE


# Parts of an object that are read and written like the whole of it.
PARTS = frozenset({"", "status", "finalize", "approval", "ephemeralcontainers"})


@dataclass(frozen=True)
class Route:
    """What a path below `/api` or `/apis` names, and the verb of the authorizer."""

    verb: str
    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def route(kinds: Kinds, request: Request) -> Route:
    """Return what a request is about.

    Raises:
        UnknownPath: no group version has this path.
        Problem: 404 for a resource that the group version does not have.
    """
    group, version, rest = _group_version(request.path)
    if version not in kinds.group_versions().get(group, ()):
        if group and group not in kinds.group_versions():
            raise UnknownPath(request.path)
        raise no_resource()
    namespace, rest = _namespace(rest)
    plural, name, subresource = (*rest, "", "", "")[:3]
    kind = kinds.at(group, version, plural)
    if kind is None and kinds.are_custom(group):
        raise UnknownPath(request.path)
    if kind is None or (subresource and subresource not in kind.subresources):
        raise no_resource()
    found = Route(_verb(request, name), kind, namespace if kind.plural != "namespaces" else "", name, subresource)
    _check_scope(found, request)
    return found


def wanted(request: Request) -> tuple[str, str, str, str, str, str]:
    """Return verb, group, resource, subresource, namespace and name of a path, also of a resource that there is not.

    Raises:
        UnknownPath: it is no path of a resource.
        Problem: 404 for a path that is not complete.
    """
    group, _, rest = _group_version(request.path)
    namespace, rest = _namespace(rest)
    plural, name, subresource = (*rest, "", "", "")[:3]
    return _verb(request, name), group, plural, subresource, namespace, name


def _check_scope(found: Route, request: Request) -> None:
    """Refuse a namespace where there is none, a name without one, and a verb that the resource does not have."""
    if found.namespace and not found.kind.namespaced:
        raise no_resource()
    scoped = bool(found.namespace) or not found.kind.namespaced
    if found.name and not scoped:
        raise no_resource()
    if not found.subresource and found.verb not in found.kind.verbs:
        raise wrong_method()
    if not scoped and found.verb not in {"list", "watch"}:
        raise wrong_method()
    needs_name = found.verb in {"update", "patch", "delete"}
    if not found.subresource and needs_name is not bool(found.name) and (needs_name or found.verb == "create"):
        raise wrong_method()


def _group_version(path: str) -> tuple[str, str, list[str]]:
    parts = path.strip("/").split("/")
    if "" in parts and parts[0] in {"api", "apis"}:
        raise no_resource()
    if parts == ["api", parts[-1]]:
        raise no_resource()
    if parts[:1] == ["apis"] and len(parts) == 3:
        return parts[1], parts[2], [""]
    if parts[:1] == ["api"] and len(parts) > 2:
        return "", parts[1], parts[2:]
    if parts[:1] == ["apis"] and len(parts) > 3:
        return parts[1], parts[2], parts[3:]
    raise UnknownPath(path)


def _namespace(rest: list[str]) -> tuple[str, list[str]]:
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
        return rest[1], rest[2:]
    return "", rest


def _verb(request: Request, name: str) -> str:
    if request.method == "GET":
        if request.flag("watch"):
            return "watch"
        return "get" if name else "list"
    if request.method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS.get(request.method, request.method.lower())
