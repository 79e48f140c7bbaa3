"""Take what must not be kept out of text that others have written: keys, tokens and passwords in logs.

This finds what has a known form. What a program logs in a form of its own stays, so an artefact is never shown to
more people than the journal.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from remediation.model.secrets import MASK

_WORD = r"[^\s\"',;&}]+"
# In double quotes, in those of JSON within JSON, in single ones: it ends where they do, or with the line.
_QUOTED = r"""(")(?:[^"\\\n]|\\.)*|(\\+")[^"\n]*|(')[^'\n]*"""
_NAMED = r"(?:password|passwd|secret|token|(?:api|access)[-_]?key|private_key|privateKeyData|auth|client_secret|\.dockerconfigjson)"


def _without_web_token(found: re.Match[str]) -> str:
    before, sign, _ = found[1].partition("eyJ")
    return f"{before}{MASK}" if sign else found[0]


# Others write the text, so each takes time in proportion to its length: none may look at one place from many beginnings.
_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)(authorization\W{1,4}(?:bearer|basic)\s+)\S+"), rf"\1{MASK}"),
    (re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(?<![\w-])([\w-]{8,})\.[\w-]{5,}\.[\w-]*"), _without_web_token),
    (re.compile(r"\bya29\.[A-Za-z0-9._-]+"), MASK),  # an access token of Google's
    (re.compile(rf"(?i)({_NAMED}\\*[\"']?\s*[:=]\s*)(?:{_QUOTED}|{_WORD})"), rf"\1\2\3\4{MASK}"),
    (re.compile(r"\bAIza[\w-]{35}"), MASK),  # a key for Google's APIs
    (re.compile(r"(://[^/\s:@]+:)[^/\s]+@"), rf"\1{MASK}@"),
)


def redacted(text: str) -> str:
    """Return text without what looks like a secret."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text
