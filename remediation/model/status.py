"""How risky a runbook is, and how a verb on a run ended."""

from __future__ import annotations

import enum


class Risk(enum.StrEnum):
    """What a run can do to people who are not in the room."""

    LOW = "low"  # R0 and R1: read only, or additive and cleanly reversible
    MEDIUM = "medium"  # R2: reversible, but restarts something or moves traffic
    HIGH = "high"  # R3 and R4: widens access, is irreversible, can break unrelated things, or is left to a person


class RowClass(enum.StrEnum):
    """What a row of the catalogue does about its fault."""

    FIX = "FIX"
    ADVISE = "ADVISE"  # says what a person has to do, and what comes of it; applies nothing
    DIAG = "DIAG"  # only looks


class Status(enum.StrEnum):
    """How a verb ended; the ``status`` of the JSON document."""

    NOT_APPLICABLE = "not_applicable"
    ALREADY_OK = "already_ok"
    PLANNED = "planned"
    ADVICE = "advice"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"
    APPLIED = "applied"
    VERIFIED = "verified"
    UNHEALTHY = "unhealthy"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_REFUSED = "rollback_refused"
    UNKNOWN = "unknown"
