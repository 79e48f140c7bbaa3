"""What is looked at, once: a service account whose pods cannot pull from a registry."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import KNOWN_AFTER_APPLY, Cluster, Facts, ObjectNamed, State

from .artifacts import Repositories
from .credentials import AccountKeys, Credential, KeyFile, RegistryCredential
from .pods.controllers import StuckPods
from .secret.pull_secret import PullSecret

# A kubelet that could not pull tries again after 5 minutes at most.
_BACK_OFF = 330


@dataclass(frozen=True)
class Situation:
    """The service account, its registry, and where the credentials come from: a key file, or a new key of an account.

    Nothing is asked before it is needed: who gives a key file may have no credentials at Google.
    """

    facts: Facts
    namespace: str
    service_account: str
    registry: str
    secret: str
    key_file: str | None
    email: str | None

    @classmethod
    def look(
        cls,
        target: Cluster,
        facts: Facts,
        namespace: str,
        registry: str,
        service_account: str,
        from_key_file: str | None = None,
        google_service_account: str | None = None,
        secret: str | None = None,
    ) -> Situation:
        """Name the Secret after the service account where it has no name."""
        name = secret or f"{service_account}-registry"
        return cls(facts, namespace, service_account, registry, name, from_key_file, google_service_account)

    @property
    def places(self) -> tuple[State | None, State | None]:
        """The namespace and the service account, None for one that does not exist."""
        account = ObjectNamed("v1", "ServiceAccount", self.service_account, self.namespace)
        namespace, found = self.facts.together(ObjectNamed("v1", "Namespace", self.namespace), account)
        return namespace, found

    @property
    def given(self) -> Credential:
        """Whose credentials the key file has; raises UsageProblem when it has none."""
        return self.facts(KeyFile(str(self.key_file), self.registry))

    @property
    def keys(self) -> tuple[State, ...]:
        """The keys of the Google service account; raises UsageProblem when there is no such account."""
        return self.facts(AccountKeys(str(self.email)))

    @property
    def repositories(self) -> tuple[str, ...]:
        """Those in Artifact Registry that the pods pull from."""
        return self.facts(Repositories(self.namespace, self.service_account, self.registry))

    @property
    def present(self) -> Credential | None:
        """What the Secret has for the registry."""
        return self.facts(RegistryCredential(self.namespace, self.secret, self.registry))

    @property
    def known(self) -> Credential | None:
        """The credential to put in, None when a new key has to be made first."""
        present = self.present
        if self.key_file:
            return self.given
        alive = [key for key in self.keys if not key["disabled"]]
        if present is None or present.account != self.email:
            return None
        return present if any(key["name"].endswith("/" + present.key_id) for key in alive) else None

    @property
    def wanted(self) -> PullSecret:
        """The Secret with the credential."""
        found = self.known or Credential(str(self.email), KNOWN_AFTER_APPLY, KNOWN_AFTER_APPLY)
        return PullSecret(
            self.namespace,
            self.secret,
            self.registry,
            f"file:{self.key_file}" if self.key_file else f"key:{self.email}",
            found.fingerprint,
            account=found.account,
            key_id=found.key_id,
            service_account=self.service_account,
            row="IMG-02",
        )

    @property
    def stuck(self) -> tuple[tuple[str, str, str, int], ...]:
        """Pods that would be made anew, by controller: its API version, kind and name, and how many."""
        return self.facts(StuckPods(self.namespace, self.service_account, self.registry, self.secret))

    @property
    def takes(self) -> float:
        """How many seconds every pod that is stuck now takes to pull; many of them take longer than a few."""
        return max(_BACK_OFF, 2 * sum(count for *_, count in self.stuck))
