"""A whole cluster: the store, the API on it, and the controllers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runbook_sandbox.kubernetes import events, writing
from runbook_sandbox.kubernetes.api import Api
from runbook_sandbox.kubernetes.authentication import ANONYMOUS, authenticate
from runbook_sandbox.kubernetes.containers import Containers
from runbook_sandbox.kubernetes.controllers import Controllers
from runbook_sandbox.kubernetes.custom_kinds import DEFINITIONS, kinds_of
from runbook_sandbox.kubernetes.faults import Fault, FaultRule
from runbook_sandbox.kubernetes.kinds import Kind, Kinds
from runbook_sandbox.kubernetes.kubelet_rules import Ended, PodOutcome
from runbook_sandbox.kubernetes.objects import Object, clone
from runbook_sandbox.kubernetes.problems import Problem
from runbook_sandbox.kubernetes.rbac import Attributes, Guard
from runbook_sandbox.kubernetes.requests import Request, Response, Route, User
from runbook_sandbox.kubernetes.starting import SYSTEM_NAMESPACES, api_services, node, priority_classes, service_cidr
from runbook_sandbox.kubernetes.store import Change, Store

KubeletRule = Callable[[Object, "Cluster"], PodOutcome | None]
LogRule = Callable[[Object, str], str | None]
Program = Callable[[Object, Sequence[str]], Ended | None]
_FORMAT = 1


class Cluster:
    """An emulated cluster. Safe to use from several threads.

    Attributes:
        store: the objects; read with `get` and `list`.
        tokens: users by bearer token; a server that serves the cluster adds the administrator's.
        kubelet_rules: asked in order for each pod that is not running yet; the first outcome counts.
        program: runs the command of a pod that nobody owns, and those of `kubectl exec`; None for one it does not know.
        log_rules: asked in order for the text of a container's log.
        is_open: tells whether the cluster goes on.
        faults: asked for each request before it is handled; None does nothing.
        guard: asked for what each request wants, beside the roles; one that it does not allow is forbidden.
    """

    def __init__(
        self,
        nodes: int = 3,
        state: dict[str, Any] | None = None,
    ) -> None:
        """Make a cluster.

        Args:
            nodes: how many nodes it starts with: `node-1` with pods in 10.64.1.0/24, and so on.
            state: what `dump` returned; `nodes` is not used then.
        """
        self.store = Store()
        self.kinds = Kinds()
        self.tokens: dict[str, User] = {}
        self.kubelet_rules: list[KubeletRule] = []
        self.log_rules: list[LogRule] = []
        self.program: Program = _nothing
        self.faults: FaultRule | None = None
        self.guard: Guard | None = None
        self.is_open = True
        self._api = Api(self.store, self.kinds, self.tokens, Containers(self), lambda: self.is_open, self._lets)
        self.store.listeners.append(self._learn)
        self.controllers = Controllers(self)
        if state is not None:
            self.load(state)
        else:
            self._populate(nodes)
        self.controllers.start()

    def _lets(self, asked: Attributes) -> bool:
        return self.guard is None or self.guard(asked)

    def _learn(self, change: Change) -> None:
        """Serve the custom kinds as they are defined, from the moment on."""
        if change.storage == DEFINITIONS:
            self._define()

    def _define(self) -> None:
        self.kinds.define(kind for each in self.store.list(DEFINITIONS) for kind in kinds_of(each))

    def _populate(self, nodes: int) -> None:
        for name in SYSTEM_NAMESPACES:
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for number in range(1, nodes + 1):
            self.create(node(number))
        for each in (service_cidr(), *priority_classes(), *api_services(self.kinds)):
            made = self.create(each)
            if "status" in each:  # which nobody can set while creating
                self.store.put(self.kind_of(made).storage, made | {"status": each["status"]})
        self.controllers.run_until_idle()

    def close(self) -> None:
        """Stop the controllers and end all watches."""
        self.is_open = False
        self.controllers.stop()
        with self.store.changed:
            self.store.changed.notify_all()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def knows(self, request: Request) -> bool:
        """Tell whether a request carries a token of somebody."""
        try:
            return authenticate(request, self.tokens) != ANONYMOUS
        except Problem:
            return False

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        return self._api.answer(request)

    def fault_for(self, request: Request) -> Fault | None:
        """Return the fault that a test wants for a request."""
        if self.faults is None:
            return None
        return self.faults(request.method, request.path, request.query, request.headers, request.body)

    def kind_of(self, obj: Object) -> Kind:
        """Return the kind of an object; raises KeyError for one that the cluster does not have."""
        found = self.kinds.named(obj["apiVersion"], obj["kind"])
        if found is None:
            raise KeyError(f"{obj['apiVersion']} {obj['kind']}")
        return found

    def create(self, obj: Object, manager: str = "sandbox") -> Object:
        """Create an object beside the API, as the administrator; raises Problem as the API does."""
        kind = self.kind_of(obj)
        route = Route("create", kind, obj["metadata"].get("namespace", "default") if kind.namespaced else "")
        return writing.create(self.store, route, clone(obj), Request("POST", "", {"fieldManager": manager}))

    def get(self, storage: str, name: str, namespace: str = "") -> Object | None:
        """Return an object by group resource, such as `daemonsets.apps`; do not change it."""
        return self.store.get(storage, namespace, name)

    def edit(
        self, storage: str, name: str, change: Callable[[Object], None], namespace: str = "", manager: str = "sandbox"
    ) -> Object:
        """Change an object beside the API, spec and status alike; raises KeyError when there is none."""
        with self.store.lock:
            old = self.store.get(storage, namespace, name)
            if old is None:
                raise KeyError(f"{storage} {namespace}/{name}")
            new = clone(old)
            change(new)
            route = Route("update", self.kinds.stored(storage), namespace, name)
            status = clone(new.get("status"))
            done = writing.replace(self.store, route, old, new, Request("PUT", "", {"fieldManager": manager}))
            return (
                done
                if status is None
                else self.store.put(storage, {**done, "metadata": dict(done["metadata"]), "status": status})
            )

    def record_event(
        self, about: Object, reason: str, message: str, kind: str = "Normal", component: str = "kubelet"
    ) -> None:
        """Record an event about an object; the same event again counts up. A kubelet is that of the object's node."""
        host = about.get("spec", {}).get("nodeName", "") if component == "kubelet" else ""
        events.record(self.store, about, (kind, reason, message), (component, host))

    def settle(self, seconds: float = 5.0) -> None:
        """Wait until the controllers have nothing left to do; raises TimeoutError."""
        self.controllers.settle(seconds)

    def dump(self) -> dict[str, Any]:
        """Return the whole state as one JSON document."""
        with self.store.lock:
            return {"format": _FORMAT, "resourceVersion": self.store.version, "objects": clone(self.store.dump())}

    def load(self, state: dict[str, Any]) -> None:
        """Replace the whole state by a document of `dump`; running watches end with 410."""
        self.store.load(int(state["resourceVersion"]), clone(state["objects"]))
        self._define()
        self.controllers.look_at_everything()


def _nothing(_: Object, __: Sequence[str]) -> None:
    """The program of a cluster whose nodes know none."""
