"""``google.iam.admin.v1.IAM`` over gRPC, the only transport that Google's client for it has.

Each method is the REST method that its definition names, so that both answer alike.
Source: https://github.com/googleapis/googleapis, google/iam/admin/v1/iam.proto, the option ``google.api.http``
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import grpc
from google.cloud.iam_admin_v1 import types
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict, ParseDict

from runbook_sandbox.google.access import caller
from runbook_sandbox.google.cloud import GoogleCloud
from runbook_sandbox.google.faults import CODES, Fault, GoogleError
from runbook_sandbox.google.routes import dispatch

_SERVICE = "google.iam.admin.v1.IAM"
_MOST_AT_ONCE = 64
# Request, answer, and the REST method; what is in braces is a field of the request, the others are its body.
_Rule = tuple[Any, Any, str, str]
_METHODS: dict[str, _Rule] = {
    "ListServiceAccounts": (types.ListServiceAccountsRequest, types.ListServiceAccountsResponse, "GET", "/v1/{name}/serviceAccounts"),
    "GetServiceAccount": (types.GetServiceAccountRequest, types.ServiceAccount, "GET", "/v1/{name}"),
    "CreateServiceAccount": (types.CreateServiceAccountRequest, types.ServiceAccount, "POST", "/v1/{name}/serviceAccounts"),
    "DeleteServiceAccount": (types.DeleteServiceAccountRequest, Empty, "DELETE", "/v1/{name}"),
    "EnableServiceAccount": (types.EnableServiceAccountRequest, Empty, "POST", "/v1/{name}:enable"),
    "DisableServiceAccount": (types.DisableServiceAccountRequest, Empty, "POST", "/v1/{name}:disable"),
    "ListServiceAccountKeys": (types.ListServiceAccountKeysRequest, types.ListServiceAccountKeysResponse, "GET", "/v1/{name}/keys"),
    "CreateServiceAccountKey": (types.CreateServiceAccountKeyRequest, types.ServiceAccountKey, "POST", "/v1/{name}/keys"),
    "GetServiceAccountKey": (types.GetServiceAccountKeyRequest, types.ServiceAccountKey, "GET", "/v1/{name}"),
    "DisableServiceAccountKey": (types.DisableServiceAccountKeyRequest, Empty, "POST", "/v1/{name}:disable"),
    "EnableServiceAccountKey": (types.EnableServiceAccountKeyRequest, Empty, "POST", "/v1/{name}:enable"),
    "DeleteServiceAccountKey": (types.DeleteServiceAccountKeyRequest, Empty, "DELETE", "/v1/{name}"),
    "GetIamPolicy": (iam_policy_pb2.GetIamPolicyRequest, policy_pb2.Policy, "POST", "/v1/{resource}:getIamPolicy"),
    "SetIamPolicy": (iam_policy_pb2.SetIamPolicyRequest, policy_pb2.Policy, "POST", "/v1/{resource}:setIamPolicy"),
    "GetRole": (types.GetRoleRequest, types.Role, "GET", "/v1/{name}"),
}  # fmt: skip


def start(cloud: GoogleCloud, port: int) -> Any:
    """Start serving on 127.0.0.1; returns the gRPC server."""
    server = grpc.server(ThreadPoolExecutor(4), maximum_concurrent_rpcs=_MOST_AT_ONCE)
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            _served(cloud, name, rule),
            request_deserializer=_message(rule[0]).FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
        for name, rule in _METHODS.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server


def _message(kind: Any) -> Any:
    """Return the protobuf class of a type: Google's own types wrap it."""
    return kind.pb() if hasattr(kind, "pb") else kind


def _served(cloud: GoogleCloud, name: str, rule: _Rule) -> Callable[[Any, Any], Any]:
    def handle(request: Any, context: Any) -> Any:
        context.send_initial_metadata((("date", formatdate(usegmt=True)),))
        about = getattr(request, "name", "") or getattr(request, "resource", "")
        fault = cloud.faults("iam", name, about, {}) if cloud.faults else None
        if fault and fault.delay:
            time.sleep(fault.delay)
        try:
            who = caller(cloud, dict(context.invocation_metadata()).get("authorization", ""))
            _fail(fault)
            answer = _answer(cloud, rule, request, who)
            cloud.requests.append({"service": "iam", "method": name, "path": about, "code": 200})
        except GoogleError as problem:
            cloud.requests.append({"service": "iam", "method": name, "path": about, "code": problem.code})
            context.abort(getattr(grpc.StatusCode, _status(problem)), problem.message)
        if fault and fault.close == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
        return answer

    return handle


def _status(problem: GoogleError) -> str:
    return problem.status if hasattr(grpc.StatusCode, problem.status) else CODES.get(problem.code, "UNKNOWN")


def _answer(cloud: GoogleCloud, rule: _Rule, request: Any, who: str) -> Any:
    _, answers, method, pattern = rule
    fields = MessageToDict(request)
    key = "resource" if "{resource}" in pattern else "name"
    path = pattern.format_map({key: fields.pop(key, "")})
    query, body = ({name: str(value) for name, value in fields.items()}, {}) if method == "GET" else ({}, fields)
    document = dispatch(cloud, method, path, query, body, who)
    return ParseDict(document, _message(answers)(), ignore_unknown_fields=True)


def _fail(fault: Fault | None) -> None:
    """Fail like the fault says; a connection that closes is an unavailable server."""
    if fault and (fault.code or fault.close == "before"):
        raise GoogleError(fault.code or 503, fault.message)
