"""Talk JSON to a kube-apiserver with one bearer token and nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any


class ApiError(Exception):
    """The API answered with an error status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


class AdminApi:
    """Requests to one API server on the loopback interface."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the parsed answer, or its text where it is not JSON.

        Raises:
            ApiError: the answer has a status of 400 or above.
            OSError: nothing answers on the port.
        """
        status, text = self._exchange(method, path, None if body is None else json.dumps(body))
        if status >= 400:
            raise ApiError(status, text)
        return json.loads(text) if text.startswith(("{", "[")) else text

    def _exchange(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=10, context=_loopback_context())
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


def _loopback_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate is written by the very server that we wait for, and the packets never leave this machine.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
