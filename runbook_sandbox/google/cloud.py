"""The state of the emulated cloud: projects, their services and clusters, service accounts and keys."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from runbook_sandbox.google.accounts import Account
from runbook_sandbox.google.faults import Faults, GoogleError
from runbook_sandbox.google.gke import new_cluster, new_operation
from runbook_sandbox.google.network import Network
from runbook_sandbox.google.policy import PolicyBox, new_policy

# Who calls with the token that the sandbox hands out.
OWNER = "user:owner@example.com"
AGENT_ROLE = "roles/container.serviceAgent"
_SERVICES = (
    "cloudresourcemanager",
    "container",
    "iam",
    "iamcredentials",
    "serviceusage",
    "artifactregistry",
    "compute",
    "dns",
)


class Project:
    """One project. ``operations`` are GKE operations, newest first."""

    def __init__(self, identifier: str, number: str, knows: Any) -> None:
        self.id, self.number = identifier, number
        self.box = PolicyBox(new_policy(), knows)
        self.services = {f"{name}.googleapis.com": True for name in _SERVICES}
        self.clusters: dict[str, dict[str, Any]] = {}
        self.operations: list[dict[str, Any]] = []
        # Service agents that somebody made; the two of GKE are there from the start.
        self.agents: set[str] = set()
        self.roles: dict[str, Any] = {}
        self._knows = knows
        # Artifact Registry repositories by LOCATION/NAME.
        self.repositories: dict[str, PolicyBox] = {}
        self.network = Network(identifier)

    @property
    def node_agent(self) -> str:
        """The member that is the service agent for the nodes of its clusters."""
        return f"serviceAccount:service-{self.number}@gcp-sa-gkenode.iam.gserviceaccount.com"

    def add_repository(self, name: str, policy: dict[str, Any] | None = None) -> PolicyBox:
        """Add a repository, ``LOCATION/NAME``, that nobody may read yet, or the one that a policy is of."""
        self.repositories[name] = PolicyBox(policy or new_policy(), self._knows)
        return self.repositories[name]

    @property
    def agent(self) -> str:
        """The member that is the project's GKE service agent."""
        return f"serviceAccount:service-{self.number}@container-engine-robot.iam.gserviceaccount.com"

    def dump(self) -> dict[str, Any]:
        """Return the project as JSON."""
        return {
            "number": self.number,
            "policy": self.box.policy,
            "services": self.services,
            "clusters": self.clusters,
            "operations": self.operations,
            "repositories": {name: box.policy for name, box in self.repositories.items()},
            "agents": sorted(self.agents),
            "roles": self.roles,
            "network": self.network.dump(),
        }


class GoogleCloud:
    """A cloud with one project to start with.

    Attributes:
        faults: decides what goes wrong with a request.
        tokens: bearer token to caller, ``user:…``; a server that serves the cloud adds the owner's.
        permissions: caller to what it may do; callers not listed may do all.
        guard: asked for the permission of each request and its resource; one that it does not allow is denied to everybody.
        propagation: seconds until a grant is effective.
        stale_reads: how many policy reads after a write show the policy from before.
        keys_forbidden: whether an organisation policy forbids service-account keys.
        repeats: whether somebody repeats a failed GKE operation as soon as the agent has its role.
        requests: the last thousand requests: ``service, method, path, code``.
    """

    def __init__(self, project: str = "example-prod", number: str = "123456789012") -> None:
        self.lock = threading.RLock()
        self.projects: dict[str, Project] = {}
        self.accounts: dict[str, Account] = {}
        self.faults: Faults | None = None
        self.tokens: dict[str, str] = {}
        self.permissions: dict[str, set[str]] = {}
        self.guard: Callable[[str, str], bool] | None = None
        self.propagation, self.stale_reads, self.keys_forbidden, self.repeats = 0.0, 0, False, False
        self.requests: deque[dict[str, Any]] = deque(maxlen=1000)
        self.add_project(project, number)

    def knows(self, email: str) -> bool:
        """Tell whether a service account, or one that Google makes for a project, exists."""
        return email in self.accounts or any(
            f"serviceAccount:{email}" in (project.agent, project.node_agent)
            or email in (*project.agents, f"{project.number}-compute@developer.gserviceaccount.com")
            for project in self.projects.values()
        )

    def add_project(self, identifier: str, number: str) -> Project:
        """Add a project whose usual APIs are on."""
        self.projects[identifier] = Project(identifier, number, self.knows)
        return self.projects[identifier]

    def project(self, name: str) -> Project:
        """Return a project by id or number; raises GoogleError 403 like Google does for an unknown one."""
        for project in self.projects.values():
            if name in (project.id, project.number):
                return project
        raise GoogleError(403, f"Permission denied on resource project {name} (or it may not exist).")

    def add_account(self, email: str) -> Account:
        """Add a service account to the project that its address names."""
        self.accounts[email] = Account(email, self.knows)
        return self.accounts[email]

    def account(self, email: str) -> Account:
        """Return a service account; raises GoogleError 404."""
        if email not in self.accounts:
            raise GoogleError(404, f"Service account projects/-/serviceAccounts/{email} does not exist.")
        return self.accounts[email]

    def add_cluster(self, project: str, location: str, name: str, **fields: Any) -> None:
        """Add a running GKE cluster."""
        self.projects[project].clusters[f"{location}/{name}"] = new_cluster(project, location, name, fields)

    def add_operation(self, project: str, kind: str, error: str = "", cluster: str = "sandbox") -> None:
        """Add a finished GKE operation, failed when an error is given."""
        found = self.projects[project].operations
        found.insert(0, new_operation(self.projects[project], len(found) + 1, kind, error, cluster))

    def repeat(self, project: Project) -> None:
        """Do what a colleague or a pipeline does after a failed operation, when there is one and it would end well."""
        failed = project.operations and project.operations[0].get("error")
        if self.repeats and failed and project.box.grants(AGENT_ROLE, project.agent, self.propagation):
            self.add_operation(project.id, project.operations[0]["operationType"])

    def enable_service(self, project: str, service: str, *, enabled: bool = True) -> None:
        """Switch an API on or off."""
        self.projects[project].services[service] = enabled

    def grant(self, project: str, role: str, member: str, condition: dict[str, str] | None = None) -> None:
        """Grant a role."""
        self.projects[project].box.policy["bindings"].append(
            {"role": role, "members": [member]} | ({"condition": condition} if condition else {})
        )

    def revoke(self, project: str, role: str, member: str) -> None:
        """Take an unconditional role away."""
        bindings = self.projects[project].box.policy["bindings"]
        for binding in [
            item
            for item in bindings
            if item["role"] == role and not item.get("condition") and member in item["members"]
        ]:
            binding["members"].remove(member)
            if not binding["members"]:
                bindings.remove(binding)

    def may(self, caller: str, permission: str, resource: str) -> bool:
        """Tell whether nothing keeps a caller from a request: no list of what it may do, and no guard."""
        listed = caller not in self.permissions or permission in self.permissions[caller]
        return listed and (self.guard is None or self.guard(permission, resource))

    def require(self, caller: str, permission: str, resource: str) -> None:
        """Raise GoogleError 403 when a caller may not do it."""
        if not self.may(caller, permission, resource):
            raise GoogleError(
                403,
                f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
                reason="IAM_PERMISSION_DENIED",
            )

    def allowed(self, caller: str, permissions: Iterable[str]) -> list[str]:
        """Return those of the permissions that the caller has."""
        return [item for item in permissions if caller not in self.permissions or item in self.permissions[caller]]

    def dump(self) -> dict[str, Any]:
        """Return the whole state as JSON."""
        with self.lock:
            state = {
                "projects": {name: project.dump() for name, project in self.projects.items()},
                "accounts": {email: account.dump() for email, account in self.accounts.items()},
                "propagation": self.propagation,
                "stale_reads": self.stale_reads,
                "repeats": self.repeats,
            }
            return copy.deepcopy(state)

    def load(self, state: dict[str, Any]) -> None:
        """Take over a state that `dump` returned."""
        with self.lock:
            self.projects, self.accounts = {}, {}
            for name, kept in state["projects"].items():
                project = self.add_project(name, kept["number"])
                project.box.policy, project.services = kept["policy"], kept["services"]
                # What an earlier version has kept lacks fields that are shown by now.
                project.clusters = {
                    key: new_cluster(name, each["location"], each["name"], each)
                    for key, each in kept["clusters"].items()
                }
                project.operations = kept["operations"]
                project.agents, project.roles = set(kept.get("agents", ())), kept.get("roles", {})
                project.network.load(kept.get("network", {}))
                for place, policy in kept.get("repositories", {}).items():
                    project.add_repository(place, policy)
            for email, kept in state["accounts"].items():
                self.add_account(email).load(kept)
            self.propagation, self.stale_reads = state["propagation"], state["stale_reads"]
            self.repeats = state.get("repeats", False)
