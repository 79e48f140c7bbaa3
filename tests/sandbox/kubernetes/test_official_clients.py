"""What kubectl and other official clients do, on the emulation and on a real kube-apiserver; where they differ the emulation is wrong."""

from __future__ import annotations

import json
from typing import Any

from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.kubernetes.discovery import groups, resources
from runbook_sandbox.kubernetes.kinds import Kinds


def test_every_group_and_resource_of_a_real_server_is_offered(control_plane: ControlPlane) -> None:
    """Names, scopes, short names and subresources are those of the real server's own discovery."""

    def real(path: str) -> Any:
        return json.loads(control_plane.kubectl("get", "--raw", path).stdout)

    kinds = Kinds()
    assert groups(kinds)["groups"] == real("/apis")["groups"]
    for name in ("/api/v1", *(f"/apis/{each.group_version}" for each in kinds if each.group)):
        assert resources(kinds, name.split("/", 2)[2])["resources"] == real(name)["resources"], name
