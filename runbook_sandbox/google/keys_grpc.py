"""``google.iam.admin.v1.IAM`` over gRPC, the only transport that Google's client for it has."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import formatdate
from typing import Any

import grpc
from google.cloud.iam_admin_v1 import types
from google.protobuf.empty_pb2 import Empty

from runbook_sandbox.google.cloud import GoogleCloud
from runbook_sandbox.google.faults import Fault, GoogleError

_SERVICE = "google.iam.admin.v1.IAM"
_CODES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    401: "UNAUTHENTICATED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def start(cloud: GoogleCloud, port: int) -> Any:
    """Start serving on 127.0.0.1; returns the gRPC server."""
    server = grpc.server(ThreadPoolExecutor(4))
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            _served(cloud, name, call), request_deserializer=request.deserialize, response_serializer=_bytes
        )
        for name, request, call in _methods(cloud)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server


def _methods(cloud: GoogleCloud) -> list[tuple[str, Any, Callable[[Any], Any]]]:
    return [
        ("GetServiceAccount", types.GetServiceAccountRequest, lambda request: _account(cloud, request)),
        ("ListServiceAccountKeys", types.ListServiceAccountKeysRequest, lambda request: _keys(cloud, request)),
        ("CreateServiceAccountKey", types.CreateServiceAccountKeyRequest, lambda request: _create(cloud, request)),
        (
            "GetServiceAccountKey",
            types.GetServiceAccountKeyRequest,
            lambda request: _shown(_found(cloud, request.name)),
        ),
        (
            "DisableServiceAccountKey",
            types.DisableServiceAccountKeyRequest,
            lambda request: _switch(cloud, request.name, disabled=True),
        ),
        (
            "EnableServiceAccountKey",
            types.EnableServiceAccountKeyRequest,
            lambda request: _switch(cloud, request.name, disabled=False),
        ),
        ("DeleteServiceAccountKey", types.DeleteServiceAccountKeyRequest, lambda request: _delete(cloud, request.name)),
    ]


def _served(cloud: GoogleCloud, name: str, call: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def handle(request: Any, context: Any) -> Any:
        context.send_initial_metadata((("date", formatdate(usegmt=True)),))
        fault = cloud.faults("iam", name, getattr(request, "name", ""), {}) if cloud.faults else None
        if fault and fault.delay:
            time.sleep(fault.delay)
        try:
            _fail(fault)
            with cloud.lock:
                answer = call(request)
            cloud.requests.append({"service": "iam", "method": name, "path": getattr(request, "name", ""), "code": 200})
        except GoogleError as problem:
            cloud.requests.append(
                {"service": "iam", "method": name, "path": getattr(request, "name", ""), "code": problem.code}
            )
            context.abort(
                getattr(
                    grpc.StatusCode,
                    problem.status if hasattr(grpc.StatusCode, problem.status) else _CODES[problem.code],
                ),
                problem.message,
            )
        if fault and fault.close == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
        return answer

    return handle


def _fail(fault: Fault | None) -> None:
    """Fail like the fault says; a connection that closes is an unavailable server."""
    if fault and (fault.code or fault.close == "before"):
        raise GoogleError(fault.code or 503, fault.message)


def _bytes(answer: Any) -> bytes:
    content: bytes = answer.SerializeToString() if isinstance(answer, Empty) else type(answer).serialize(answer)
    return content


def _email(name: str) -> str:
    return name.split("/")[3]


def _found(cloud: GoogleCloud, name: str) -> dict[str, Any]:
    return cloud.account(_email(name)).key(name.split("/")[5])


def _account(cloud: GoogleCloud, request: Any) -> Any:
    found = cloud.account(_email(request.name))
    return types.ServiceAccount(
        name=found.name, email=found.email, project_id=found.project, unique_id=found.unique_id, disabled=found.disabled
    )


def _shown(key: dict[str, Any]) -> Any:
    created = datetime.fromisoformat(key["validAfterTime"].replace("Z", "+00:00"))
    return types.ServiceAccountKey(
        name=key["name"],
        valid_after_time=created,
        disabled=key["disabled"],
        key_type="USER_MANAGED",
        private_key_data=base64.b64decode(key.get("privateKeyData", "")),
    )


def _keys(cloud: GoogleCloud, request: Any) -> Any:
    return types.ListServiceAccountKeysResponse(
        keys=[_shown(key) for key in cloud.account(_email(request.name)).keys.values()]
    )


def _create(cloud: GoogleCloud, request: Any) -> Any:
    return _shown(cloud.account(_email(request.name)).create_key(forbidden=cloud.keys_forbidden))


def _switch(cloud: GoogleCloud, name: str, *, disabled: bool) -> Empty:
    _found(cloud, name)["disabled"] = disabled
    return Empty()


def _delete(cloud: GoogleCloud, name: str) -> Empty:
    cloud.account(_email(name)).delete_key(name.split("/")[5])
    return Empty()
