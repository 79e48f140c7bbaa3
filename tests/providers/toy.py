"""A third provider, as a package of its own would bring it: things with one value, over HTTP. Nothing of the product names it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.error import HTTPError

from remediation.access.locks import Lock
from remediation.access.patience import Patience
from remediation.access.sightings import LEASE_SECONDS, Busy, Sighting, awake_clock
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.diffing import State
from remediation.model.errors import ApiError, Conflict, LockLost, NotFound, Unavailable
from remediation.model.records import recorded
from remediation.model.rights import Permission
from remediation.model.steps import ResourceDefaults
from remediation.model.targets import Target
from remediation.providers import Given, Link, ProviderDefaults


class Shelf(Target):
    """A shelf of things; ``server`` is its address."""

    kind = "shelf"
    provider = "toy"


class ToyClient:
    """Requests of one run to one shelf."""

    def __init__(self, link: Link) -> None:
        self._link, self._date = link, 0.0

    def now(self) -> float:
        return self._date

    def get(self, path: str) -> State:
        loop = self._link.patience.retrying(Unavailable, attempts=3)
        found: State = loop(self.send, "GET", path)
        return found

    def put(self, path: str, body: State) -> State:
        self._link.permit()
        return self.send("PUT", path, body)

    def send(self, method: str, path: str, body: State | None = None) -> State:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._link.means + path, data, method=method)
        try:
            with self._link.patience.stop.during(lambda: urllib.request.urlopen(request, timeout=10)) as answer:
                self._date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
                found: State = json.loads(answer.read())
                return found
        except HTTPError as problem:
            problem.close()
            raise _error(problem.code, path) from problem
        except OSError as problem:
            raise Unavailable(f"the shelf does not answer: {problem}") from problem


def _error(code: int, path: str) -> ApiError:
    kinds: dict[int, type[ApiError]] = {404: NotFound, 409: Conflict}
    return kinds.get(code, Unavailable)(f"{path}: {code}", code=code)


class ToyLock:
    """A lock on the shelf itself."""

    def __init__(self, client: ToyClient, scope: str, holder: str, sighting: Sighting, patience: Patience) -> None:
        self._client, self._holder, self._sighting, self._patience = client, holder, sighting, patience
        self.name = self.subject = scope
        self.renewed = 0.0

    def take(self) -> None:
        sent = awake_clock()
        try:
            self._client.send("PUT", f"/locks/{self.name}", {"holder": self._holder, "held": True})
        except Conflict:
            self.look()
            raise
        self.renewed = sent

    renew = take

    def confirm(self) -> None:
        if self._client.send("GET", f"/locks/{self.name}")["holder"] != self._holder:
            raise LockLost(f"the lock of {self.subject} was lost")

    def release(self) -> None:
        self._client.send("PUT", f"/locks/{self.name}", {"holder": self._holder, "held": False})

    def look(self) -> None:
        holder = self._client.send("GET", f"/locks/{self.name}")["holder"]
        if holder not in ("", self._holder):
            self._sighting.note(holder)
            raise Busy(self.name, self.subject, holder, LEASE_SECONDS / 2, renewed=self._sighting.renewed)

    def moments(self, seconds: float) -> Any:
        ends = awake_clock() + seconds
        while awake_clock() < ends:
            self._patience.stop.wait(0.1)
            yield None


class Toy(ProviderDefaults):
    """The provider."""

    name = "toy"
    scopes = ("toy",)

    def reach(
        self, kind: type[Target], given: Given, warn: Callable[[str], None] = lambda _: None
    ) -> tuple[Target, Any]:
        return kind(server=given.known("context")), given.known("context")

    def client(self, link: Link) -> ToyClient:
        return ToyClient(link)

    def missing(self, client: ToyClient, target: Target, permissions: list[Permission]) -> list[Permission]:
        allowed = client.get("/rights")["allowed"]
        return [right for right in permissions if right.resource not in allowed]

    def now(self, client: ToyClient) -> float:
        return client.now()

    def identity(self, client: ToyClient) -> str:
        return str(client.get("/identity")["id"])

    def locks(
        self, client: ToyClient, scopes: list[str], holder: str, seen: Callable[[str], Sighting], patience: Patience
    ) -> list[Lock]:
        return [ToyLock(client, scope, holder, seen(scope), patience) for scope in scopes]

    def lock_rights(self, scope: str) -> list[Permission]:
        return [Permission.of("toy", "toy.locks.set")]


PROVIDER = Toy()


@recorded
@dataclass(frozen=True)
class Value(ResourceDefaults):
    """The value of one thing."""

    thing: str
    value: str
    learnt: ClassVar[tuple[str, ...]] = ("value",)
    bounds: ClassVar[tuple[str, ...]] = ()

    @property
    def address(self) -> str:
        return f"thing/{self.thing}"

    @property
    def scope(self) -> str:
        return f"toy/{self.thing}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        return tuple(Permission.of("toy", f"toy.things.{verb}") for verb in ("get", "set"))

    def foreign(self, change: Change) -> list[str]:
        return [edit.pointer for edit in change.edits if edit.pointer != "/value"]

    def read(self, api: Api) -> State | None:
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        found = api.client("toy").get(f"/things/{self.thing}")
        state = None if found["value"] is None else {"value": found["value"]}
        return Seen(state, api.now(), str(found["version"]))

    def desired(self, current: State | None) -> State:
        return {"value": self.value}

    def preview(self, api: Api, change: Change) -> Change:
        return change

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        seen = self.look(api)
        if seen.state != change.before:
            raise Conflict(f"{self.address} is not as it was")
        value = None if change.after is None else change.after["value"]
        api.client("toy").put(f"/things/{self.thing}", {"value": value, "version": seen.version})
        return Written(change.after)

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        return Written(change.after) if change.landed(self.read(api)) else None
