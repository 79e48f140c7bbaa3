"""What a caller may do, in the words of the API that is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Permission:
    """A right that a request needs.

    On a cluster: ``verb`` on ``resource`` (``pods/log``) of ``group`` in ``namespace`` (empty: cluster scope), limited
    to ``name`` when given. On Google Cloud: ``resource`` is the IAM permission and ``group`` is ``"google"``.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def google(cls, permission: str) -> Permission:
        """Return the IAM permission ``service.resource.verb``."""
        return cls(permission.rsplit(".", 1)[-1], permission, "google")

    def __str__(self) -> str:
        if self.group == "google":
            return self.resource
        where = f" in namespace {self.namespace}" if self.namespace else ""
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}{' ' + self.name if self.name else ''}{where}"
