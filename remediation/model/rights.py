"""What a caller may do, in the words of the API that is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Permission:
    """A right that a request needs.

    On a cluster: ``verb`` on ``resource`` (``pods/log``) of ``group`` in ``namespace`` (empty: cluster scope), limited
    to ``name`` when given. Elsewhere: ``resource`` is the permission as that provider writes it, with a dot or a colon, which
    no resource of a cluster has; ``group`` is the name of the provider, and ``namespace`` says where, Google's project say,
    when that is not the target.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def of(cls, provider: str, permission: str, where: str = "") -> Permission:
        """Return a permission of another provider than a cluster, ``service.resource.verb`` or ``service:Verb``."""
        return cls(re.split("[.:]", permission)[-1], permission, provider, where)

    @classmethod
    def google(cls, permission: str, project: str = "") -> Permission:
        """Return the IAM permission ``service.resource.verb``, in another project than the target's when one is given."""
        return cls.of("google", permission, project)

    @property
    def provider(self) -> str:
        """The name of the provider that grants it."""
        return self.group if {".", ":"} & set(self.resource) else "kubernetes"

    def __str__(self) -> str:
        if self.provider != "kubernetes":
            return self.resource + (f" in project {self.namespace}" if self.namespace else "")
        where = f" in namespace {self.namespace}" if self.namespace else ""
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}{' ' + self.name if self.name else ''}{where}"
