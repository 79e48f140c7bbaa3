"""Names as people type them, checked before anything is asked with them."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_ACCOUNT = re.compile(r"[a-z0-9-]+@[a-z0-9.-]+\.(iam\.)?gserviceaccount\.com")
# As `journal.ids` draws them, and as the script on the nodes accepts them.
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*@sha256:[0-9a-f]{64}")


def namespace_name(text: str) -> str:
    """Return a namespace name; raises ValueError that says what is allowed."""
    if not _LABEL.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a namespace name; allowed are up to 63 lower-case letters, digits and hyphens"
        )
    return text


def object_name(text: str) -> str:
    """Return the name of an object; raises ValueError that says what is allowed."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not an object name; allowed are up to 253 lower-case letters, digits, hyphens and dots"
        )
    return text


def account_email(text: str) -> str:
    """Return the e-mail of a Google service account; raises ValueError that says what is allowed."""
    if not _ACCOUNT.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a service account; allowed is an e-mail such as puller@example-prod.iam.gserviceaccount.com"
        )
    return text


def pinned_image(text: str) -> str:
    """Return an image with a digest; raises ValueError, because a tag can be moved to other content."""
    if not _IMAGE.fullmatch(text):
        raise ValueError(f"{text!r} is not pinned; allowed is an image with a digest, NAME@sha256:… with 64 hex digits")
    return text


def count(text: str | int) -> int:
    """Return a whole number from 1 to 1024; raises ValueError that says so."""
    if not str(text).isdigit() or not 1 <= int(text) <= 1024:
        raise ValueError(f"{text!r} is not allowed; allowed is a whole number from 1 to 1024")
    return int(text)


def is_run_id(text: object) -> bool:
    """Tell whether a text that was read somewhere can be the id of a run."""
    return isinstance(text, str) and bool(_RUN.fullmatch(text))
