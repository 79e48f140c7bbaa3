"""Google Cloud among the providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remediation.model.rights import Permission
from remediation.model.targets import Target
from remediation.providers import ProviderDefaults

if TYPE_CHECKING:
    from remediation.providers import Link
    from remediation.providers.google.client import Google


class GoogleCloud(ProviderDefaults):
    """Google's APIs; ``means`` are the addresses of an emulator, None for the real ones. Its locks are in the journal."""

    name = "google"
    scopes = ("project", "serviceaccount")

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


PROVIDER = GoogleCloud()
