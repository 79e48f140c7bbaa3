"""What a caller may do, in the words of the API that is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Permission:
    """A right that a request needs.

    On a cluster: ``verb`` on ``resource`` (``pods/log``) of ``group`` in ``namespace`` (empty: cluster scope), limited
    to ``name`` when given. On Google Cloud: ``resource`` is the IAM permission, ``group`` is ``"google"``, and ``namespace``
    a project when it is not that of the target.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def google(cls, permission: str, project: str = "") -> Permission:
        """Return the IAM permission ``service.resource.verb``, in another project than the target's when one is given."""
        return cls(permission.rsplit(".", 1)[-1], permission, "google", project)

    def __str__(self) -> str:
        if self.group == "google":
            return self.resource + (f" in project {self.namespace}" if self.namespace else "")
        where = f" in namespace {self.namespace}" if self.namespace else ""
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}{' ' + self.name if self.name else ''}{where}"
