"""Which members a policy takes.

Source: https://cloud.google.com/iam/docs/principal-identifiers (the forms) and the messages that people quote in
https://github.com/hashicorp/terraform-provider-google/issues/4965 and
https://github.com/googleapis/google-api-python-client/issues/819
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from runbook_sandbox.google.faults import invalid

_ROLE = re.compile(r"(?:projects/[^/]+/|organizations/\d+/)?roles/[A-Za-z0-9_.]+")
_EMAIL = re.compile(r"[^@\s:]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.I)
_POOL = re.compile(r"[a-z0-9.:-]+\.svc\.id\.goog\[[a-z0-9.-]+/[a-z0-9.-]+\]")
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.I)
_DELETED = re.compile(r"(?:user|serviceAccount|group):[^?]+\?uid=\d+")
_FEDERATED = re.compile(r"//[a-z.]+\.googleapis\.com/.+")
_BASIC = ("projectOwner", "projectEditor", "projectViewer")
_ACCOUNTS = ".gserviceaccount.com"


def check_bindings(bindings: Any, knows: Callable[[str], bool]) -> None:
    """Raise GoogleError 400 unless each binding has a role and members that there can be.

    Args:
        bindings: of a policy that somebody wants to write.
        knows: tells whether a service account exists.
    """
    if not isinstance(bindings, list) or not all(isinstance(each, dict) for each in bindings):
        raise invalid("Invalid value at 'policy.bindings' (type.googleapis.com/google.iam.v1.Binding)")
    for binding in bindings:
        role, members = binding.get("role"), binding.get("members")
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise invalid(f"Role ({role}) does not exist in the resource's hierarchy.")
        if not isinstance(members, list) or not members:
            raise invalid(f"Binding of role {role} has no members.")
        for member in members:
            _check(member, knows)


def _check(member: Any, knows: Callable[[str], bool]) -> None:
    kind, colon, value = str(member).partition(":")
    if member in ("allUsers", "allAuthenticatedUsers"):
        raise invalid(f"Member {member} is invalid due to membership type restrictions on the resource.")
    if not colon or not kind or not value:
        raise invalid('Policy members must be of the form "<type>:<value>".')
    if kind == "serviceAccount" and not _POOL.fullmatch(value):
        _check_account(value, knows)
    elif kind in ("user", "group"):
        _check_person(kind, value)
    elif not _fits(kind, value):
        raise invalid(
            f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
            if kind not in ("domain", "deleted", "principal", "principalSet", "serviceAccount", *_BASIC)
            else f"Invalid member: '{member}'."
        )


def _fits(kind: str, value: str) -> bool:
    patterns = {"domain": _DOMAIN, "deleted": _DELETED, "principal": _FEDERATED, "principalSet": _FEDERATED}
    patterns |= {"serviceAccount": _POOL}
    return bool(kind in _BASIC or (kind in patterns and patterns[kind].fullmatch(value)))


def _check_account(email: str, knows: Callable[[str], bool]) -> None:
    if _EMAIL.fullmatch(email) and not email.endswith(_ACCOUNTS):
        raise invalid(f'Account {email} is of type "user". Please set the type prefix to be "user:".')
    if not knows(email):
        raise invalid(f"Service account {email} does not exist.")


def _check_person(kind: str, email: str) -> None:
    if not _EMAIL.fullmatch(email):
        raise invalid(f"{kind.title()} {email} does not exist.")
    if email.endswith(_ACCOUNTS):
        raise invalid(
            f'Account {email} is of type "serviceAccount". Please set the type prefix to be "serviceAccount:".'
        )
