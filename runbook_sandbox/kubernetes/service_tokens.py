"""Tokens of service accounts, as `kubectl create token` asks for them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from runbook_sandbox.kubernetes import problems, protobuf
from runbook_sandbox.kubernetes.bodies import decode_body
from runbook_sandbox.kubernetes.decoding import Decoder
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, new_uid, now
from runbook_sandbox.kubernetes.requests import Request, Route, User
from runbook_sandbox.kubernetes.responses import Response

_REQUEST = Kind("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest", type="authentication.v1.TokenRequest")
ISSUER = "https://kubernetes.default.svc"
_SECONDS, _SHORTEST = 3600, 600
# Of this process only: a token ends with the cluster that issued it.
_KEY = secrets.token_bytes(32)


def issue(route: Route, account: Object, request: Request) -> Response:
    """Answer a TokenRequest about a service account with a signed token; raises Problem (422)."""
    body = _body(request)
    spec: dict[str, Any] = {"audiences": [ISSUER], "expirationSeconds": _SECONDS, "boundObjectRef": None}
    spec |= body.get("spec") or {}
    seconds = spec["expirationSeconds"]
    if seconds < _SHORTEST:
        why = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        causes = [problems.cause("spec.expirationSeconds", why)]
        raise problems.invalid(_REQUEST.name, _REQUEST.group, "", causes)
    found = account["metadata"]
    metadata = {key: found[key] for key in ("name", "namespace", "uid")} | {"creationTimestamp": now()}
    answer = {"kind": _REQUEST.name, "apiVersion": _REQUEST.group_version, "metadata": metadata, "spec": spec}
    token = _signed(_claims(account, spec))
    return Response(201, answer | {"status": {"token": token, "expirationTimestamp": now(seconds)}})


def _body(request: Request) -> Object:
    if protobuf.is_protobuf(request.body):
        return Decoder(_REQUEST).decode(protobuf.decode(request.body))
    return decode_body(_REQUEST, request.body, request.content_type)[0]


def _claims(account: Object, spec: dict[str, Any]) -> dict[str, Any]:
    found, issued = account["metadata"], int(time.time())
    subject = f"system:serviceaccount:{found['namespace']}:{found['name']}"
    bound = {"namespace": found["namespace"], "serviceaccount": {"name": found["name"], "uid": found["uid"]}}
    times = {"exp": issued + spec["expirationSeconds"], "iat": issued, "nbf": issued}
    return {"aud": spec["audiences"], "iss": ISSUER, "jti": new_uid(), "kubernetes.io": bound, "sub": subject, **times}


def _signed(claims: dict[str, Any]) -> str:
    text = f"{_encoded(json.dumps({'alg': 'HS256'}).encode())}.{_encoded(json.dumps(claims).encode())}"
    return f"{text}.{_signature(text)}"


def _signature(text: str) -> str:
    return _encoded(hmac.digest(_KEY, text.encode(), hashlib.sha256))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def user_of(token: str) -> User | None:
    """Return the service account that a token was issued to; None for a foreign or expired one."""
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(text).encode()):
        return None
    part = text.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if claims["exp"] < time.time() or ISSUER not in claims["aud"]:
        return None
    namespace = claims["kubernetes.io"]["namespace"]
    return User(claims["sub"], ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"))
