"""Take what must not be kept out of text that others have written: keys, tokens and passwords in logs.

This finds what has a known form. What a program logs in a form of its own stays, so an artefact is never shown to
more people than the journal.
"""

from __future__ import annotations

import re

from remediation.model.secrets import MASK

_WORD = r"[^\s\"',;&}]+"
_NAMED = (
    r"(?:password|passwd|secret|token|api[-_]?key|private_key|privateKeyData|auth|client_secret|\.dockerconfigjson)"
)
_PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)(authorization\W{1,4}(?:bearer|basic)\s+)\S+"), rf"\1{MASK}"),
    (re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"), MASK),  # a JSON web token
    (re.compile(r"\bya29\.[A-Za-z0-9._-]+"), MASK),  # an access token of Google's
    (re.compile(rf"(?i)(\"?\b[\w-]*{_NAMED}\"?\s*[:=]\s*\"?)(?!{re.escape(MASK)}){_WORD}"), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]+:)[^/\s@]+@"), rf"\1{MASK}@"),
)


def redacted(text: str) -> str:
    """Return text without what looks like a secret."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text
