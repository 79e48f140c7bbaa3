"""One API server over kept-open connections: credentials, their renewal, its clock and its warnings."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from remediation.clients.go_json import encoded
from remediation.clients.kubernetes_errors import from_answer, from_transport
from remediation.errors import Refused

_CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
_UNAUTHORIZED, _NOT_OK = 401, 300
# Source: https://kubernetes.io/blog/2020/09/03/warnings/
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class Connection:
    """Requests as bytes, answered or raised as an `ApiError`.

    Args:
        configuration: a ``kubernetes.client.Configuration`` (see `configurations.load`).
        renew: reads it again, with fresh credentials; called when the server does not accept the present ones.
    """

    def __init__(self, configuration: Any, renew: Callable[[], Any] | None = None) -> None:
        self._configuration, self._renew = configuration, renew
        self.server: str = configuration.host
        self.warnings: list[str] = []
        self.clock_offset = 0.0

    @cached_property
    def _pool(self) -> Any:
        from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 - the SDK is loaded when a cluster is asked

        self._configuration.connection_pool_maxsize = 8
        self._configuration.retries = False
        return RESTClientObject(self._configuration).pool_manager

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        content_type: str = "",
        *,
        stream: bool = False,
        read_seconds: float = READ_SECONDS,
        permit: Callable[[], None] | None = None,
    ) -> Any:
        """Send one request; a refused credential is renewed once, for a request so refused has done nothing.

        ``permit`` is asked right before each time that it is sent, and raises what forbids it.
        """
        url = (
            self.server
            + path
            + ("?" + urlencode({key: value for key, value in query.items() if value}) if query else "")
        )
        content = None if body is None else encoded(body)
        answer = self._answer(method, url, content, content_type, stream, read_seconds, permit)
        if answer.status == _UNAUTHORIZED and self._renewed():
            answer = self._answer(method, url, content, content_type, stream, read_seconds, permit)
        if answer.status >= _NOT_OK:
            raise from_answer(method, path, answer.status, answer.headers, answer.data, self.server)
        return answer

    def _answer(
        self,
        method: str,
        url: str,
        body: bytes | None,
        content_type: str,
        stream: bool,
        read_seconds: float,
        permit: Callable[[], None] | None,
    ) -> Any:
        from urllib3 import Timeout  # noqa: PLC0415 - part of the SDK's transport

        headers = {"Accept": "application/json", "User-Agent": "runbook"} | self._credentials()
        if permit is not None:  # a login plugin may have taken a minute
            permit()
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers | ({"Content-Type": content_type} if body is not None else {}),
                retries=False,
                redirect=False,
                preload_content=not stream,
                timeout=Timeout(connect=_CONNECT_SECONDS, read=read_seconds),
            )
        except Exception as problem:
            raise from_transport(problem, self.server) from problem
        self._remember(answer.headers)
        return answer

    def _credentials(self) -> dict[str, str]:
        """Ask the official client for the present token; it runs exec plugins and refreshes what has expired."""
        try:
            settings = self._configuration.auth_settings().get("BearerToken")
        except Exception as problem:
            raise Refused(
                "the credentials of this context cannot be refreshed", type(problem).__name__, "runbook doctor"
            ) from problem
        return {"Authorization": settings["value"]} if settings and settings["value"] else {}

    def _renewed(self) -> bool:
        """Read the credentials again, as kubectl does when a token is refused before its time."""
        if self._renew is None:
            return False
        configuration = self._renew()
        if configuration.host != self.server:
            raise Refused(
                f"the kubeconfig now points to {configuration.host}, and this run began on {self.server}",
                "the request was not sent",
                "name a kubeconfig of its own for each cluster with --kubeconfig FILE",
            )
        self._configuration = configuration
        self.__dict__.pop("_pool", None)
        return True

    def _remember(self, headers: Mapping[str, str]) -> None:
        if "Date" in headers:
            self.clock_offset = parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
        for text in _WARNING.findall(headers.get("Warning", "")):
            if text not in self.warnings:
                self.warnings.append(text)
