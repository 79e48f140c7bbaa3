"""The end of a container's log, as something that a run keeps."""

from __future__ import annotations

from dataclasses import dataclass

from remediation.model.api import Api
from remediation.model.artefacts import ArtefactDefaults
from remediation.model.records import recorded
from remediation.model.rights import Permission


@recorded
@dataclass(frozen=True)
class ContainerLog(ArtefactDefaults):
    """The last lines of one container; ``previous`` is the one that ran before it was restarted."""

    namespace: str
    pod: str
    container: str
    lines: int = 500
    seconds: int = 3600
    previous: bool = False

    @property
    def description(self) -> str:
        """What is kept."""
        which = "the previous container" if self.previous else "container"
        return f"the last {self.lines} lines of {which} {self.container} of pod/{self.namespace}/{self.pod}"

    @property
    def file_name(self) -> str:
        """What the file is called."""
        return f"{self.namespace}-{self.pod}-{self.container}{'-previous' if self.previous else ''}.log"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read logs in the namespace: the names of pods are not known before."""
        return (Permission("get", "pods/log", "", self.namespace),)

    def read(self, api: Api, most: int, seconds: float) -> str:
        """Return the lines; the server is asked for no more than ``most`` bytes."""
        del seconds
        query = {
            "container": self.container,
            "tailLines": str(self.lines),
            "sinceSeconds": str(self.seconds),
            "limitBytes": str(most),
        }
        more = {"previous": "true"} if self.previous else {}
        return api.kubernetes.text(f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/log", query | more)
