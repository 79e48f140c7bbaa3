"""Google Cloud: projects over REST, service-account keys over gRPC, everything else over an authorized session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from remediation.access.patience import Patience
from remediation.model.commands import command, repeat
from remediation.model.diffing import State
from remediation.model.errors import NotFound, Refused, RunbookError, Throttled, Unavailable
from remediation.model.lasting import lasting
from remediation.model.rights import Permission
from remediation.providers.google.clock import Clock
from remediation.providers.google.errors import translated

T = TypeVar("T")
_SECONDS = 15.0
# The second scope lets a GKE API server see the e-mail address that RBAC rules are written for, not a number.
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email")


class Google:
    """The few calls that runbooks make. Reads are repeated when unanswered; writes never are.

    Args:
        endpoints: ``google`` (URL) and ``iam`` (host:port) of an emulator, and the ``token`` that it wants, if any; None
            for the real APIs.
        permit: asked right before each request that changes something; raises what forbids it.
        patience: how long throttled requests are repeated, and who hears of it.
    """

    def __init__(
        self,
        endpoints: dict[str, str] | None,
        permit: Callable[[], None] = lambda: None,
        patience: Patience | None = None,
    ) -> None:
        self._endpoints, self._permit, self._patience = endpoints, permit, patience or Patience()
        self._clock = Clock()

    @cached_property
    def _credentials(self) -> Any:
        if self._endpoints:
            return _given(self._endpoints)
        import google.auth  # noqa: PLC0415 - loaded when Google is asked
        from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415

        try:
            return google.auth.default(scopes=_SCOPES)[0]
        except DefaultCredentialsError:
            raise Refused(
                "there are no Google credentials",
                "nothing was changed",
                command("gcloud", "auth", "application-default", "login"),
            ) from None

    @cached_property
    def _projects(self) -> Any:
        from google.api_core.client_options import ClientOptions  # noqa: PLC0415
        from google.cloud.resourcemanager_v3 import ProjectsClient  # noqa: PLC0415

        options = ClientOptions(api_endpoint=self._endpoints["google"]) if self._endpoints else None
        return ProjectsClient(credentials=self._credentials, transport="rest", client_options=options)

    @cached_property
    def _iam(self) -> Any:
        from google.cloud.iam_admin_v1 import IAMClient  # noqa: PLC0415
        from google.cloud.iam_admin_v1.services.iam.transports import IAMGrpcTransport  # noqa: PLC0415

        if not self._endpoints:
            opened = lambda *values, **more: self._clock.of_grpc(IAMGrpcTransport.create_channel(*values, **more))  # noqa: E731 - as the transport opens it
            return IAMClient(
                credentials=self._credentials, transport=lambda **more: IAMGrpcTransport(**more, channel=opened)
            )
        import grpc  # noqa: PLC0415

        channel = self._clock.of_grpc(grpc.insecure_channel(self._endpoints["iam"]), self._endpoints.get("token", ""))
        return IAMClient(transport=IAMGrpcTransport(channel=channel))

    @cached_property
    def _session(self) -> Any:
        from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

        session = AuthorizedSession(self._credentials)
        session.hooks["response"].append(self._clock.of_rest)
        return session

    def now(self) -> float:
        """Return Google's clock in seconds since 1970, as of its last answer."""
        return self._clock.now()

    def _read(self, call: Callable[[], T]) -> T:
        """Repeat a read that was throttled, or not answered: that for at most 30 seconds."""
        loop = self._patience.retrying(Unavailable, Throttled, attempts=5, seconds=30)
        answer: T = loop(self._once, call)
        return answer

    @lasting
    def _once(self, call: Callable[[], T]) -> T:
        with self._patience.asking("Google"), _ours():
            return self._patience.stop.during(call)

    @lasting
    def _permitted(self, call: Callable[[], T]) -> T:
        """Send a write once."""

        def permitted() -> T:
            self._permit()
            return call()

        return self._once(permitted)

    def get(self, service: str, path: str, **query: str) -> State:
        """Return what a REST method answers: ``get("compute", "/compute/v1/projects/P/global/routes")``."""
        return self._read(lambda: self._send("GET", service, path, query))

    def every(self, service: str, path: str, items: str, **query: str) -> list[State]:
        """Return everything that a REST method lists under a name, page by page."""
        found: list[State] = []
        token = ""
        while True:
            answer = self.get(service, path, **query | ({"pageToken": token} if token else {}))
            found += answer.get(items) or []
            if not (token := answer.get("nextPageToken", "")):
                return found

    def send(self, method: str, service: str, path: str, body: State, **query: str) -> State:
        """Send what changes something, once; raises Occupied where something else goes on there."""
        return self._permitted(lambda: self._send(method, service, path, query, body))

    def _send(self, method: str, service: str, path: str, query: dict[str, str], body: State | None = None) -> State:
        base = self._endpoints["google"] if self._endpoints else f"https://{service}.googleapis.com"
        answer = self._session.request(method, base + path, params=query, json=body, timeout=_SECONDS)
        if answer.status_code >= 300:
            from google.api_core.exceptions import from_http_response  # noqa: PLC0415

            raise from_http_response(answer)
        document: State = answer.json()
        return document

    def project(self, project: str) -> State:
        """Return ``id``, ``number`` and ``state`` of a project; v3 has the number only in its name."""
        found = self._read(lambda: self._projects.get_project(name=f"projects/{project}", retry=None, timeout=_SECONDS))
        return {"id": found.project_id, "number": found.name.partition("/")[2], "state": found.state.name}

    def service_enabled(self, project: str, service: str) -> bool:
        """Tell whether an API is switched on in a project."""
        return bool(self.get("serviceusage", f"/v1/projects/{project}/services/{service}").get("state") == "ENABLED")

    def clusters(self, project: str) -> list[State]:
        """Return the GKE clusters of a project in every location; raises Unavailable when an empty list proves nothing."""
        answer = self.get("container", f"/v1/projects/{project}/locations/-/clusters")
        if answer.get("missingZones") and not answer.get("clusters"):
            raise Unavailable(
                f"GKE cannot say whether {project} has clusters: no answer from {', '.join(answer['missingZones'])}",
                next=repeat(),
            )
        return list(answer.get("clusters") or [])

    def cluster(self, project: str, location: str, cluster: str) -> State:
        """Return one GKE cluster."""
        return self.get("container", f"/v1/projects/{project}/locations/{location}/clusters/{cluster}")

    def operations(self, project: str) -> list[State]:
        """Return the recent GKE operations of a project."""
        return list(self.get("container", f"/v1/projects/{project}/locations/-/operations").get("operations") or [])

    def policy(self, project: str) -> Any:
        """Return the project's IAM policy at version 3, so that conditional bindings are seen."""
        request = {"resource": f"projects/{project}", "options": {"requested_policy_version": 3}}
        return self._read(lambda: self._projects.get_iam_policy(request=request, retry=None, timeout=_SECONDS))

    def set_policy(self, project: str, policy: Any) -> Any:
        """Write a policy back with its etag; raises Conflict when somebody was faster. Never repeated."""
        request = {"resource": f"projects/{project}", "policy": policy}
        return self._permitted(lambda: self._projects.set_iam_policy(request=request, retry=None, timeout=_SECONDS))

    def repository_policy(self, repository: str) -> State:
        """Return the IAM policy of ``projects/P/locations/L/repositories/R`` in Artifact Registry, with its conditions."""
        return self.get("artifactregistry", f"/v1/{repository}:getIamPolicy?options.requestedPolicyVersion=3")

    def missing(self, project: str | None, permissions: list[Permission]) -> list[Permission]:
        """Return those IAM permissions on the project that the caller lacks.

        Permissions on service accounts may be granted on the account itself, and those in the project of a shared network
        on the subnet, so a lack at the project is not reported.
        """
        asked = [each for each in permissions if not (each.resource.startswith("iam.") or each.namespace)]
        if not asked or not project:
            return []
        request = {"resource": f"projects/{project}", "permissions": [item.resource for item in asked]}
        answer = self._read(lambda: self._projects.test_iam_permissions(request=request, retry=None, timeout=_SECONDS))
        return [item for item in asked if item.resource not in answer.permissions]

    def account(self, email: str) -> State:
        """Return ``email`` and ``disabled`` of a service account."""
        found = self._read(lambda: self._iam.get_service_account(name=_account(email), retry=None, timeout=_SECONDS))
        return {"email": found.email, "disabled": bool(found.disabled)}

    def keys(self, email: str) -> list[State]:
        """Return ``name``, ``created`` (seconds since 1970) and ``disabled`` of the keys that people made."""
        request = {"name": _account(email), "key_types": ["USER_MANAGED"]}
        found = self._read(lambda: self._iam.list_service_account_keys(request=request, retry=None, timeout=_SECONDS))
        return [
            {"name": key.name, "created": key.valid_after_time.timestamp(), "disabled": bool(key.disabled)}
            for key in found.keys
        ]

    def create_key(self, email: str) -> tuple[str, bytes]:
        """Create a key and return its name and the credentials file, which is never to be had again. Never repeated."""
        key = self._permitted(
            lambda: self._iam.create_service_account_key(name=_account(email), retry=None, timeout=_SECONDS)
        )
        return key.name, key.private_key_data

    def disable_key(self, name: str, *, ours: bool = False) -> None:
        """Disable a key; a key that is gone is fine. One that is known to be ``ours`` alone needs no permit."""
        self._tolerant(
            lambda: self._iam.disable_service_account_key(name=name, retry=None, timeout=_SECONDS), ours=ours
        )

    def delete_key(self, name: str, *, ours: bool = False) -> None:
        """Delete a key for good; a key that is gone is fine. One that is known to be ``ours`` alone needs no permit."""
        self._tolerant(lambda: self._iam.delete_service_account_key(name=name, retry=None, timeout=_SECONDS), ours=ours)

    def _tolerant(self, call: Callable[[], Any], *, ours: bool) -> None:
        """Repeat a call whose second time does no harm."""

        def permitted() -> None:
            if not ours:
                self._permit()
            call()

        try:
            self._read(permitted)
        except NotFound:
            return


def _given(endpoints: dict[str, str]) -> Any:
    """Return credentials for an emulator."""
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - loaded when Google is asked
    from google.oauth2.credentials import Credentials  # noqa: PLC0415

    return Credentials(token=endpoints["token"]) if endpoints.get("token") else AnonymousCredentials()


def _account(email: str) -> str:
    return f"projects/-/serviceAccounts/{email}"


@contextmanager
def _ours() -> Any:
    """Turn Google's errors into ours."""
    try:
        yield
    except RunbookError:
        raise
    except Exception as problem:  # noqa: BLE001 - `translated` returns what it does not know unchanged
        raise translated(problem) from None
