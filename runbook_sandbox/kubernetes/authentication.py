"""Who asks, as the API server finds out: a bearer token, or nobody in particular.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests and the default roles
`system:discovery` and `system:public-info-viewer` of
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""

from __future__ import annotations

from collections.abc import Mapping

from runbook_sandbox.kubernetes import problems
from runbook_sandbox.kubernetes.requests import ADMINISTRATOR, Request, User
from runbook_sandbox.kubernetes.service_tokens import user_of

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
_PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})


def authenticate(request: Request, tokens: Mapping[str, User]) -> User:
    """Return who asks; on a port without authentication everybody is the administrator.

    Raises:
        Problem: 401 for a token that is not in the table, and that no service account was given.
    """
    if request.is_trusted:
        return ADMINISTRATOR
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return ANONYMOUS
    token = token.strip() if scheme.lower() == "bearer" else ""
    user = tokens.get(token) or user_of(token)
    if user is None:
        raise problems.unauthorized()
    return User(user.name, tuple(dict.fromkeys((*user.groups, "system:authenticated"))))


def check_path(user: User, path: str) -> None:
    """Raise Problem (403) when nobody in particular asks for a path that is no resource and not for everybody."""
    parts = path.strip("/").split("/")
    is_resource = len(parts) > {"api": 2, "apis": 3}.get(parts[0], len(parts))
    if user == ANONYMOUS and path not in _PUBLIC and not is_resource:
        raise problems.Problem(403, "Forbidden", f'forbidden: User "{user.name}" cannot get path "{path}"', {})
