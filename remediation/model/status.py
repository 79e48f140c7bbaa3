"""How risky a runbook is, and how a verb on a run ended."""

from __future__ import annotations

import enum


class Risk(enum.StrEnum):
    """What a run can do to people who are not in the room."""

    READ_ONLY = "read-only"
    LOW = "low"  # additive and cleanly reversible
    MEDIUM = "medium"  # reversible, but restarts something or moves traffic
    HIGH = "high"  # widens access, is irreversible, or can break unrelated things


class Status(enum.StrEnum):
    """How a verb ended; the ``status`` of the JSON document."""

    NOT_APPLICABLE = "not_applicable"
    ALREADY_OK = "already_ok"
    PLANNED = "planned"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"
    APPLIED = "applied"
    VERIFIED = "verified"
    UNHEALTHY = "unhealthy"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_REFUSED = "rollback_refused"
    UNKNOWN = "unknown"
