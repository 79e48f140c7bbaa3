"""One API server over kept-open connections: credentials, their renewal, its clock and its warnings."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from remediation.access import headers as told
from remediation.access.patience import Patience
from remediation.access.stopping import Stop
from remediation.model.addresses import is_private
from remediation.model.commands import advice, command
from remediation.model.errors import Refused, RunbookError, Stopped, Unauthorized
from remediation.model.lasting import lasting
from remediation.model.limits import OBJECT
from remediation.providers.kubernetes.errors import from_answer, from_transport
from remediation.providers.kubernetes.go_json import encoded
from remediation.providers.kubernetes.login import overhearing

_CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
_UNAUTHORIZED, _NOT_OK = 401, 300
# No text that is read has so many bytes; a server that sends more does not mean to end.
_LONGEST_ANSWER = 64 * OBJECT
_MOST_WARNINGS = 20


class Connection:
    """Requests as bytes, answered or raised as an `ApiError`.

    Args:
        configuration: a ``kubernetes.client.Configuration`` (see `configurations.load`).
        renew: reads it again, with fresh credentials; called when the server does not accept the present ones.
        patience: tells a person when nobody answers.
    """

    def __init__(self, configuration: Any, renew: Callable[[], Any] | None, patience: Patience) -> None:
        self._configuration, self._renew, self._patience = configuration, renew, patience
        self.server: str = configuration.host
        self.warnings: list[str] = []
        self.clock_offset = 0.0

    @cached_property
    def _pool(self) -> Any:
        from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 - the SDK is loaded when a cluster is asked

        if not self._configuration.verify_ssl:
            _silence(self.server)
        self._configuration.connection_pool_maxsize = 8
        self._configuration.retries = False
        return RESTClientObject(self._configuration).pool_manager

    @lasting
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
        stop: Stop | None = None,
    ) -> Any:
        """Send one request; a refused credential is renewed once, for a request so refused has done nothing.

        ``permit`` is asked right before each time that it is sent, and raises what forbids it; ``stop`` ends the wait for
        its answer.
        """
        url = (
            self.server
            + path
            + ("?" + urlencode({key: value for key, value in query.items() if value}) if query else "")
        )
        content = None if body is None else encoded(body)
        answer = self._answer(method, url, content, content_type, stream, read_seconds, permit, stop or Stop())
        if answer.status == _UNAUTHORIZED and self._renewed():
            answer = self._answer(method, url, content, content_type, stream, read_seconds, permit, stop or Stop())
        if answer.status >= _NOT_OK:
            raise from_answer(method, path, answer.status, answer.headers, answer.data, self.server)
        return answer

    def end_of(self, path: str, query: Mapping[str, str], most: int) -> bytes:
        """Return the last bytes of an answer; of one that does not end, what has come of it."""
        answer = self.send("GET", path, query, stream=True)
        end, total = b"", 0
        try:
            for chunk in answer.stream(most):
                end, total = (end + chunk)[-most:], total + len(chunk)
                if total > _LONGEST_ANSWER:
                    break
        except Exception as problem:
            raise from_transport(problem, self.server) from problem
        finally:
            answer.close()
        return end

    def _answer(
        self,
        method: str,
        url: str,
        body: bytes | None,
        content_type: str,
        stream: bool,
        read_seconds: float,
        permit: Callable[[], None] | None,
        stop: Stop,
    ) -> Any:
        from urllib3 import Timeout  # noqa: PLC0415 - part of the SDK's transport

        headers = {"Accept": "application/json", "User-Agent": "runbook"} | self._credentials()
        if permit is not None:  # a login plugin may have taken a minute
            permit()
        try:
            request = partial(
                self._pool.request,
                method,
                url,
                body=body,
                headers=headers | ({"Content-Type": content_type} if body is not None else {}),
                retries=False,
                redirect=False,
                preload_content=not stream,
                timeout=Timeout(connect=_CONNECT_SECONDS, read=read_seconds),
            )
            with self._patience.asking(self.server):
                answer = stop.during(request)
        except Stopped:
            raise
        except Exception as problem:
            raise from_transport(problem, self.server) from problem
        self._remember(answer.headers)
        return answer

    def _credentials(self) -> dict[str, str]:
        """Ask the official client for the present token; it runs exec plugins and refreshes what has expired."""
        try:
            with self._patience.asking("the login of this context"), overhearing():
                settings = self._configuration.auth_settings().get("BearerToken")
        except Exception as problem:
            raise Unauthorized(
                "the credentials of this context cannot be refreshed",
                type(problem).__name__,
                command("runbook", "doctor"),
                401,
            ) from problem
        if not settings or not settings["value"]:
            return {}
        self._require_private()
        return {"Authorization": settings["value"]}

    def _require_private(self) -> None:
        """Refuse to send a token where others can read it.

        kubectl reads no credentials at all for a server that is not https, not even on this machine, and its requests are
        nobody's then. Here a token is refused with the reason instead of being left out; only what never leaves this machine
        is sent, for emulators listen there.

        Source: https://github.com/kubernetes/client-go/blob/master/tools/clientcmd/client_config.go
        ("only try to read the auth information if we are secure")
        """
        if not is_private(self.server) or (not self.server.startswith("https://") and self._configuration.proxy):
            raise Refused(
                f"{self.server} is not encrypted, so everybody on the way there could read the credentials of this context",
                "nothing was sent",
                advice(
                    "use an https address: {}",
                    command("kubectl", "config", "set-cluster", "NAME", "--server", "https://ADDRESS"),
                ),
            )

    def _renewed(self) -> bool:
        """Read the credentials again, as kubectl does when a token is refused before its time.

        Raises:
            Unauthorized: there are none any more for this server. Whoever logs in again can go on from here.
        """
        if self._renew is None:
            return False
        try:
            with self._patience.asking("the login of this context"):
                configuration = self._renew()
        except RunbookError as problem:
            raise Unauthorized(problem.summary, problem.detail, problem.next, _UNAUTHORIZED) from problem
        if configuration.host != self.server:
            raise Unauthorized(
                f"the kubeconfig now points to {configuration.host}, and this run began on {self.server}",
                "the request was not sent",
                advice("name a kubeconfig of its own for each cluster with --kubeconfig FILE"),
                _UNAUTHORIZED,
            )
        self._configuration = configuration
        self.__dict__.pop("_pool", None)
        return True

    def _remember(self, headers: Mapping[str, str]) -> None:
        date = told.date(headers)
        if date is not None:
            self.clock_offset = date - time.time()
        new = [text for text in dict.fromkeys(told.warnings(headers)) if text not in self.warnings]
        self.warnings += new[: _MOST_WARNINGS - len(self.warnings)]


def _silence(server: str) -> None:
    """Keep urllib3 from saying at each request to this server what the caller has been told once in our words."""
    from urllib3.exceptions import InsecureRequestWarning  # noqa: PLC0415 - part of the SDK's transport

    host = re.escape(f"'{urlsplit(server).hostname}'")
    warnings.filterwarnings("ignore", f".* to host {host}", InsecureRequestWarning)
