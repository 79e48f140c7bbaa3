"""Who calls a Google API: the bearer of an access token.

Source: https://cloud.google.com/docs/authentication/token-types#access and the errors of
https://cloud.google.com/apis/design/errors#http_mapping
"""

from __future__ import annotations

from runbook_sandbox.google.cloud import GoogleCloud
from runbook_sandbox.google.faults import GoogleError

_WANTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def caller(cloud: GoogleCloud, authorization: str) -> str:
    """Return who bears the token of an ``Authorization`` header; raises GoogleError 401."""
    scheme, _, token = authorization.partition(" ")
    if not scheme:
        text = f"Request is missing required authentication credential. {_WANTED}"
        raise GoogleError(401, text, reason="CREDENTIALS_MISSING")
    who = cloud.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
    if who is None:
        text = f"Request had invalid authentication credentials. {_WANTED}"
        raise GoogleError(401, text, reason="ACCESS_TOKEN_TYPE_UNSUPPORTED")
    return who
