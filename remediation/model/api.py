"""What facts, checks, resources and the engine may ask of the outside, as protocols; `remediation.clients` keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from remediation.model.diffing import State
from remediation.model.refs import Ref
from remediation.model.rights import Permission

if TYPE_CHECKING:
    from tenacity import Retrying

    from remediation.model.errors import ApiError
    from remediation.model.secrets import Secret

# The protocol has a method called list, which would hide the built-in type in its annotations.
States = list[State]


class KubernetesApi(Protocol):
    """One API server."""

    def now(self) -> float:
        """Return the server's clock in seconds since 1970, as of its last answer."""

    def server_time(self, ours: float) -> float:
        """Return what the server's clock said when ours said this."""

    def read(self, ref: Ref) -> State:
        """Return one object; raises NotFound."""

    def list(
        self, ref: Ref, labels: str = "", fields: str = "", keep: Callable[[State], State] | None = None
    ) -> States:
        """Return every object of a kind that the selectors match."""

    def text(self, path: str, query: dict[str, str]) -> str:
        """Return a text answer such as a container log."""

    def ask(self, path: str, body: State) -> State:
        """Post a question that changes nothing."""

    def changes(
        self, ref: Ref, seconds: float, fields: str = "", labels: str = "", *, quiet: float = 10
    ) -> Iterator[None]:
        """Yield soon after each change of what the selectors match, and after ``quiet`` seconds without any."""

    def create(self, ref: Ref, body: State, *, dry_run: bool = False) -> State:
        """Create an object; raises Conflict when it exists."""

    def patch(self, ref: Ref, operations: States, *, dry_run: bool = False) -> State:
        """Apply a JSON patch; raises Conflict when one of its tests fails."""

    def delete(self, ref: Ref, uid: str, version: str = "", *, dry_run: bool = False) -> State:
        """Delete exactly the object with this uid and version; raises Conflict for any other."""


class GoogleApi(Protocol):
    """Google Cloud; policies are those of its own library (``google.iam.v1.policy_pb2.Policy``)."""

    def now(self) -> float:
        """Return Google's clock in seconds since 1970, as of its last answer."""

    def project(self, project: str) -> State:
        """Return ``id``, ``number`` and ``state`` of a project."""

    def service_enabled(self, project: str, service: str) -> bool:
        """Tell whether an API is switched on in a project."""

    def clusters(self, project: str) -> list[State]:
        """Return the GKE clusters of a project in every location."""

    def cluster(self, project: str, location: str, cluster: str) -> State:
        """Return one GKE cluster."""

    def operations(self, project: str) -> list[State]:
        """Return the recent GKE operations of a project."""

    def get(self, service: str, path: str, **query: str) -> State:
        """Return what a REST method answers."""

    def every(self, service: str, path: str, items: str, **query: str) -> list[State]:
        """Return everything that a REST method lists under the name ``items``."""

    def send(self, method: str, service: str, path: str, body: State, **query: str) -> State:
        """Send what changes something, once; raises Occupied where something else goes on there."""

    def policy(self, project: str) -> Any:
        """Return the project's IAM policy with its conditional bindings."""

    def set_policy(self, project: str, policy: Any) -> Any:
        """Write a policy back with its etag; raises Conflict when somebody was faster."""

    def repository_policy(self, repository: str) -> State:
        """Return the IAM policy of ``projects/P/locations/L/repositories/R`` in Artifact Registry."""

    def account(self, email: str) -> State:
        """Return ``email`` and ``disabled`` of a service account."""

    def keys(self, email: str) -> list[State]:
        """Return ``name``, ``created`` (seconds since 1970) and ``disabled`` of the keys that people made."""

    def create_key(self, email: str) -> tuple[str, bytes]:
        """Create a key and return its name and the credentials file."""

    def disable_key(self, name: str, *, ours: bool = False) -> None:
        """Disable a key; a key that is gone is fine."""

    def delete_key(self, name: str, *, ours: bool = False) -> None:
        """Delete a key for good; a key that is gone is fine."""


class SecretMaterial(Protocol):
    """Secret values of one process, in memory only."""

    def keep(self, name: str, secret: Secret) -> None:
        """Remember a secret that an API returned once."""

    def has(self, name: str) -> bool:
        """Tell whether this process still knows the secret."""

    def get(self, name: str) -> Secret:
        """Return a remembered secret; raises Refused when another process had it."""

    def file(self, path: str) -> Secret:
        """Return what a key file, a pipe or ``-`` (standard input) holds; raises UsageProblem."""


class RequestPatience(Protocol):
    """How long requests are repeated that are throttled or not answered."""

    def retrying(self, *kinds: type[ApiError], attempts: int, seconds: float = ...) -> Retrying:
        """Return the loop that repeats a request for these problems."""

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        """Be patient for so long at most while the body runs."""

    def say(self, text: str) -> None:
        """Tell what keeps a verb waiting."""


class Stopping(Protocol):
    """Whether the run shall end; whoever waits, waits with this."""

    def check(self) -> None:
        """Raise Interrupted when the run shall end, or may not go on."""

    def wait(self, seconds: float) -> bool:
        """Wait for so long; raises Interrupted as soon as the run shall end."""

    def shielded(self) -> AbstractContextManager[None]:
        """Clean up in the body, which is not stopped."""

    def heeded(self) -> AbstractContextManager[None]:
        """Look at it in the body, and end in good order."""


class Api(Protocol):
    """Everything a run may talk to."""

    def client(self, provider: str) -> Any:
        """The client of a provider, for the wing of that provider; it makes it typed for others."""

    @property
    def kubernetes(self) -> KubernetesApi:
        """The cluster's API."""

    @property
    def google(self) -> GoogleApi:
        """Google's APIs."""

    @property
    def material(self) -> SecretMaterial:
        """The secrets that this process knows."""

    @property
    def patience(self) -> RequestPatience:
        """How long requests are repeated."""

    @property
    def stop(self) -> Stopping:
        """Whether the run shall end."""

    def now(self) -> float:
        """Return the clock of the target's API in seconds since 1970, as of its last answer."""

    def digest(self, secret: bytes) -> str:
        """Return how a secret value is shown: recognisable in this store, useless elsewhere."""

    def target_uid(self) -> str:
        """Return what no two clusters share; empty when it cannot be read."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Read each object of the cluster once while a plan is made."""

    def warnings(self) -> list[str]:
        """Return what the API server has warned of so far, each text once."""

    def missing(self, permissions: list[Permission]) -> list[Permission]:
        """Return those of the permissions that the caller does not have."""

    def lock_rights(self, scopes: list[str]) -> list[Permission]:
        """Return the rights that holding these locks takes."""

    def locked(
        self,
        scopes: list[str],
        holder: str,
        wait: float | None = None,
        tell: Callable[[str, float, float], None] = ...,
    ) -> AbstractContextManager[None]:
        """Hold the locks of these scopes, all or none; raises Locked."""

    def lock_too(self, scopes: list[str], holder: str) -> None:
        """Hold these as well until `locked` ends."""

    def held_by(self, scope: str) -> str:
        """Return in words who has a lock, or has left it behind; empty where nobody is known."""

    def has_run(self, run_id: str) -> bool:
        """Tell whether the store in use has a run."""

    def still_locked(self) -> None:
        """Raise LockLost when the run's locks are lost."""

    def await_others(self, scopes: set[str], wait: float | None, tell: Callable[[str, float, float], None]) -> bool:
        """Wait while other runs are at work on these scopes, and tell whether there was any."""
