"""One field of a Google resource, which an operation of its API sets.

Source: https://cloud.google.com/compute/docs/reference/rest/v1 (resources, their custom methods, operations, requestId).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from remediation.model import diffing
from remediation.model.api import Api
from remediation.model.changes import Change, Seen, Written
from remediation.model.commands import command
from remediation.model.diffing import Json, State
from remediation.model.errors import Conflict, NotFound, OperationFailed, Refused
from remediation.model.limits import message
from remediation.model.long_writes import LongWrites, Underway
from remediation.model.records import recorded
from remediation.model.rights import Permission

# Where the REST methods of a service begin.
_ROOTS = {"compute": "/compute/v1/"}


@recorded
@dataclass(frozen=True)
class GoogleField(LongWrites):
    """A field that has a value; everything else of the resource stays as it is.

    Args:
        service: whose resource it is, ``compute``.
        kind: its collection, ``subnetworks``, after which its permissions are named.
        resource: its path, ``projects/P/regions/R/subnetworks/S``.
        field: the path of the field, ``privateIpGoogleAccess`` or ``logConfig.enable``.
        value: what is wanted there.
        method: the method of the resource that sets it; without one the resource is patched, guarded by its ``guard``.
        operations: the collection of the operations, after which their permissions are named.
        guard: the field by which the API tells whether somebody was faster, ``fingerprint`` or ``etag``.
        does, undoes: what else it means that the field has the value, and that it loses it again, in words for the plan.
        foreign_project: whether it is in another project than the target's.
        shared: whether others come to depend on the value as soon as it is there.
    """

    service: str
    kind: str
    resource: str
    field: str
    value: Any
    method: str = ""
    operations: str = "regionOperations"
    guard: str = ""
    does: str = ""
    undoes: str = ""
    foreign_project: bool = False
    shared: bool = False
    reason: str = "already as wanted"

    bounds: ClassVar[tuple[str, ...]] = ("value", "foreign_project")
    learnt: ClassVar[tuple[str, ...]] = ("value", "does", "undoes", "foreign_project", "shared", "reason", "row")

    @property
    def address(self) -> str:
        """``subnetworks/P/R/S/privateIpGoogleAccess``."""
        names = self.resource.replace("/global/", "/").split("/")[1::2]
        return "/".join((self.kind, *(names or [self.resource]), self.field))

    @property
    def scope(self) -> str:
        """The resource."""
        return f"{self.service}/{self.resource}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read and set the field, follow the operation, and find it again."""
        rights = [f"{self.kind}.get", f"{self.kind}.{self.method or 'update'}"]
        rights += [f"{self.operations}.{verb}" for verb in ("get", "list")]
        project = self.resource.removeprefix("projects/").partition("/")[0] if self.foreign_project else ""
        return tuple(Permission.google(f"{self.service}.{right}", project) for right in rights)

    @property
    def _path(self) -> tuple[str, ...]:
        return tuple(self.field.split("."))

    def _state(self, value: Json) -> State:
        for name in reversed(self._path):
            value = {name: value}
        return dict(value)

    def read(self, api: Api) -> State | None:
        """Return the field alone, None where the resource does not exist."""
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        """Return the field, with the fingerprint or etag of the resource that has it."""
        try:
            found = api.google.get(self.service, self._url())
        except NotFound:
            return Seen(None, api.google.now())
        value = diffing.get(found, self._path)
        # Google leaves out a field that has the default of its type.
        state = self._state(type(self.value)() if value is diffing.ABSENT else value)
        return Seen(state, api.google.now(), str(found.get(self.guard, "")), str(found.get("id", "")))

    def desired(self, current: State | None) -> State:
        """Return the field with the value; raises Refused where there is no such resource."""
        if current is None:
            raise Refused(f"{self.service} has no {self.resource}", "a field of it was to be set")
        return self._state(self.value)

    def plans(self, change: Change) -> bool:
        """Tell whether a change leaves the value there."""
        return change.after == self._state(self.value)

    def says_the_same(self, other: Any) -> bool:
        """Compare the values."""
        return other is not None and bool(self.value == other.value)

    def foreign(self, change: Change) -> list[str]:
        """Return what of a change is another field."""
        return [edit.pointer for edit in change.edits if edit.path[: len(self._path)] != self._path]

    def impact(self, change: Change, seen: Seen) -> str:
        """Say what the value brings about, or what goes with it."""
        del seen
        return self.does if change.after == self._state(self.value) else self.undoes

    def preview(self, api: Api, change: Change) -> Change:
        """Return the change as it is: this API has no dry run, and the plan says so."""
        del api
        return replace(change, note="this API offers no dry run")

    def submit(self, api: Api, change: Change, run_id: str, token: str) -> str:
        """Begin the operation and return its path; raises Conflict when the field is not as before, Occupied."""
        del run_id
        seen = self.look(api)
        if drifted := self.drifted(change, seen):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted)}")
        value = diffing.get(change.after, self._path)
        if self.method:
            verb, path, body = "POST", f"{self._url()}/{self.method}", {self._path[-1]: value}
        else:
            verb, path, body = "PATCH", self._url(), self._state(value) | {self.guard: seen.version}
        begun = api.google.send(verb, self.service, path, body, requestId=token)
        return self._operation(begun)

    def poll(self, api: Api, handle: str) -> Underway | Written:
        """Ask how far the operation is; raises OperationFailed in the words of the API, NotFound for one of another resource."""
        told = api.google.get(self.service, self._place + handle.rpartition("/")[2])
        if handle != self._operation(told) or not self._is_meant(told):
            raise NotFound(f"{handle} is no operation on {self.resource}")
        if told["status"] != "DONE":
            return Underway(str(told["status"]), float(told.get("progress", 0)))
        if errors := (told.get("error") or {}).get("errors"):
            first, name = errors[0], handle.rpartition("/")[2]
            raise OperationFailed(
                message(f"{first.get('code', '')}: {first.get('message', '')}"), f"{name} failed", _about(handle)
            )
        seen = self.look(api)
        return Written(seen.state, seen.identity)

    def find(self, api: Api, change: Change, token: str, since: float) -> str | None:
        """Look for the operation that the token has begun; the API shows it with each."""
        del change, since
        which = f'clientOperationId = "{token}"'
        listed = api.google.every(self.service, self._place.removesuffix("/"), "items", filter=which)
        return next((self._operation(each) for each in listed if each.get("clientOperationId") == token), None)

    def _url(self) -> str:
        return _ROOTS[self.service] + self.resource

    @property
    def _place(self) -> str:
        """Where the operations on it are."""
        return f"{_ROOTS[self.service]}{self.resource.rsplit('/', 2)[0]}/operations/"

    def _operation(self, shown: State) -> str:
        """Return the path of an operation, ``projects/P/regions/R/operations/O``: a record may name none of elsewhere."""
        return f"{self._place}{shown['name']}".removeprefix(_ROOTS[self.service])

    def _is_meant(self, shown: State) -> bool:
        """Tell whether an operation is one on this resource; links name projects by id or by number."""
        return str(shown.get("targetLink", self.resource)).split("/")[-4:] == self.resource.split("/")[-4:]


def _about(handle: str) -> Any:
    """Return how a person looks at an operation."""
    _, project, scope, *region, _, name = handle.split("/")
    where = [f"--{scope.removesuffix('s')}={region[0]}"] if region else ["--global"]
    return command("gcloud", "compute", "operations", "describe", name, *where, f"--project={project}")
