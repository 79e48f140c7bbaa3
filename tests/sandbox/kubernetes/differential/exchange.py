"""Send the corpus to a server, and say in what two servers' answers differ."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox.kubernetes.differential.asking import Ask

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_RANDOM = re.compile(r"((?:kube-api-access|generated)-)[bcdfghjklmnpqrstvwxz2456789]{5}")
_ADDRESS = re.compile(r"10\.96\.\d+\.\d+")
_VERSIONS = ("resourceVersion", "metadata.resourceVersion")


@dataclass(frozen=True)
class Answer:
    """An answer, as far as two servers can agree on it."""

    status: int
    type: str
    warning: str
    body: Any


class Server:
    """One of the two servers."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        where = (parts.hostname or "", parts.port)
        self._connection = http.client.HTTPSConnection(*where, timeout=60, context=context) if parts.scheme == "https" else http.client.HTTPConnection(*where, timeout=60)  # fmt: skip
        self._headers = {"User-Agent": "differential/1"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._seen: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, ask: Ask) -> Answer:
        """Send a request and return the answer."""
        kept = self._seen.get(ask.address, {"uid": "none", "version": "0"})
        data = ask.data()
        for key, item in kept.items():
            data = data and data.replace(f"{{{key}}}".encode(), item.encode())
        path = ask.path.replace("{version}", kept["version"])
        headers = (
            self._headers | ({"Content-Type": ask.type} if data is not None and ask.type else {}) | dict(ask.headers)
        )
        try:
            self._connection.request(ask.method, path, data, headers)
            response = self._connection.getresponse()
            text = response.readline() if "watch=true" in ask.path and response.status == 200 else response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(0, "", "", type(error).__name__)
        if not response.isclosed():
            self._connection.close()  # a watch goes on; the next request opens the connection again
        body = _parsed(text)
        self._remember(ask, body)
        return Answer(
            response.status,
            response.headers.get("Content-Type", ""),
            ", ".join(response.headers.get_all("Warning", ())),
            _level(body),
        )

    def _remember(self, ask: Ask, body: Any) -> None:
        if (
            ask.method == "DELETE"
            or "dryRun" in ask.path
            or not isinstance(body, dict)
            or "uid" not in body.get("metadata", {})
        ):
            return
        found = body["metadata"]
        path = ask.address.removesuffix("/status").removesuffix("/scale")
        path = path if path.endswith(f"/{found['name']}") else f"{path}/{found['name']}"
        self._seen[path] = {"uid": found["uid"], "version": found["resourceVersion"]}


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return text.decode(errors="replace")


def _level(value: Any, key: str = "") -> Any:
    """Replace what two servers cannot have in common: identities, times, versions and random names."""
    if isinstance(value, dict):
        return {name: _level(item, name) for name, item in value.items()}
    if isinstance(value, list):
        levelled = [_level(item) for item in value]
        return sorted(levelled, key=_owner) if key == "managedFields" else levelled
    if key == "resourceVersion" and value:
        return "<version>"
    if not isinstance(value, str):
        return value
    value = _ADDRESS.sub("<address>", _RANDOM.sub(r"\1<random>", _TIME.sub("<time>", _UID.sub("<uid>", value))))
    return re.sub(
        r"\b\d{2,7}(?= \(|, current| does not match)|(?<=record \()\d+|(?<=ResourceVersion in object meta: )\d+",
        "<version>",
        value,
    )


def _owner(entry: dict[str, Any]) -> list[str]:
    """Return what orders owners apart from the second of their last write, which no two servers share."""
    return [entry.get(name, "") for name in ("operation", "manager", "apiVersion", "subresource")]


@dataclass(frozen=True)
class Difference:
    """One field of one answer; a side that lacks it says `nothing`."""

    ask: str
    field: str
    emulated: str
    real: str


def differences(asked: Sequence[Ask], emulated: Server, real: Server) -> list[Difference]:
    """Return in what the answers differ; both servers are asked at the same time, each in the order given."""
    with ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(lambda server: [server.ask(ask) for ask in asked], (emulated, real))
    return [found for ask, left, right in zip(asked, ours, theirs, strict=True) for found in _between(ask, left, right)]


def _between(ask: Ask, ours: Answer, theirs: Answer) -> Iterator[Difference]:
    for field in ("status", "type", "warning"):
        if getattr(ours, field) != getattr(theirs, field):
            yield Difference(ask.name, f"({field})", str(getattr(ours, field)), str(getattr(theirs, field)))
    for path, left, right in _unequal(ours.body, theirs.body, ""):
        yield Difference(ask.name, path or "(body)", left, right)


def _unequal(left: Any, right: Any, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            inner = f"{path}.{key}" if path else key
            if key not in left or key not in right:
                yield inner, _text(left, key), _text(right, key)
            else:
                yield from _unequal(left[key], right[key], inner)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, pair in enumerate(zip(left, right, strict=True)):
            yield from _unequal(*pair, f"{path}[{index}]")
    elif left != right or type(left) is not type(right):
        yield path, json.dumps(left), json.dumps(right)


def _text(found: dict[str, Any], key: str) -> str:
    return json.dumps(found[key]) if key in found else "nothing"
