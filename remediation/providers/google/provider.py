"""Google Cloud among the providers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from remediation.model.errors import UsageProblem
from remediation.model.rights import Permission
from remediation.model.targets import Target
from remediation.providers import ProviderDefaults

if TYPE_CHECKING:
    from remediation.providers import Given, Link
    from remediation.providers.google.client import Google


_PROJECT = r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,20}"


class GoogleCloud(ProviderDefaults):
    """Google's APIs; ``means`` are the addresses of an emulator, None for the real ones. Its locks are in the journal."""

    name = "google"
    scopes = ("project", "serviceaccount")

    def reach(
        self, kind: type[Target], given: Given, warn: Callable[[str], None] = lambda _: None
    ) -> tuple[Target, Any]:
        """Return the project; raises UsageProblem when none is named."""
        del warn
        name = given.known("project")
        if not name:
            raise UsageProblem(
                "--project is missing; allowed is the id of a Google Cloud project, such as example-prod"
            )
        return kind(project=_project_id(name), location=given.location, cluster=given.cluster), given.google

    def client(self, link: Link) -> Google:
        """Return a client."""
        from remediation.providers.google.client import Google  # noqa: PLC0415 - Google's SDK costs most of a second

        return Google(link.means, link.permit, link.patience)

    def missing(self, client: Google, target: Target, permissions: list[Permission]) -> list[Permission]:
        """Ask Google."""
        return client.missing(target.project, permissions)

    def now(self, client: Google) -> float:
        """Return Google's clock."""
        return client.now()


def _project_id(text: str) -> str:
    if not re.fullmatch(_PROJECT, text):
        raise UsageProblem(
            f"--project {text!r} is not a project id; allowed are 6 to 30 lower-case letters, digits and hyphens, or a project number"
        )
    return text


PROVIDER = GoogleCloud()
