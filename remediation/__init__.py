"""The public names that runbooks are written with; each is loaded when it is first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remediation.catalogue import Option, runbook
    from remediation.checks.google import GrantVisible
    from remediation.checks.ipam import NodesReported, PodsHaveAddresses
    from remediation.checks.kubernetes import DaemonSetRolledOut
    from remediation.checks.masquerade import AgentsAtDefaults, AgentUsesConfig
    from remediation.checks.pods import PodsPull
    from remediation.commands import advice, command, repeat
    from remediation.facts import Facts
    from remediation.facts.gcp import ApiEnabled, FailedOperations, ProjectClusters, ProjectGrant, ProjectNumber
    from remediation.facts.ipam import Addressing
    from remediation.facts.kubernetes import ObjectNamed
    from remediation.facts.masquerade import MasqueradeAgent
    from remediation.facts.protected import ProtectedRanges
    from remediation.model import (
        Allowed,
        Applies,
        Caution,
        Cluster,
        During,
        Ensure,
        Evidence,
        Finding,
        Note,
        Project,
        Require,
        Risk,
        Steps,
        Unchecked,
        WhenUndone,
    )
    from remediation.ranges import Network, destination
    from remediation.resources.iam import ProjectIamMember
    from remediation.resources.kubernetes import KubernetesObject

_HOMES = {
    "Option": "catalogue",
    "runbook": "catalogue",
    "Facts": "facts",
    **dict.fromkeys(("advice", "command", "repeat"), "commands"),
    "Network": "ranges",
    "destination": "ranges",
    **dict.fromkeys(
        (
            "Allowed",
            "Applies",
            "Caution",
            "Cluster",
            "During",
            "Ensure",
            "Evidence",
            "Finding",
            "Note",
            "Project",
            "Require",
            "Risk",
            "Steps",
            "Unchecked",
            "WhenUndone",
        ),
        "model",
    ),
    "KubernetesObject": "resources.kubernetes",
    "DaemonSetRolledOut": "checks.kubernetes",
    **dict.fromkeys(("AgentUsesConfig", "AgentsAtDefaults"), "checks.masquerade"),
    "NodesReported": "checks.ipam",
    "PodsHaveAddresses": "checks.ipam",
    "Addressing": "facts.ipam",
    "PodsPull": "checks.pods",
    "ObjectNamed": "facts.kubernetes",
    "GrantVisible": "checks.google",
    "ProjectIamMember": "resources.iam",
    **dict.fromkeys(
        ("ApiEnabled", "FailedOperations", "ProjectClusters", "ProjectGrant", "ProjectNumber"), "facts.gcp"
    ),
    "MasqueradeAgent": "facts.masquerade",
    "ProtectedRanges": "facts.protected",
}

__all__ = [  # noqa: RUF022 - grouped like the chapters of the guide
    "runbook",
    "Option",
    "Risk",
    "Steps",
    "Cluster",
    "Project",
    "Facts",
    "Allowed",
    "Applies",
    "Require",
    "Unchecked",
    "Caution",
    "Evidence",
    "Note",
    "command",
    "advice",
    "repeat",
    "Ensure",
    "During",
    "WhenUndone",
    "Finding",
    "KubernetesObject",
    "DaemonSetRolledOut",
    "AgentUsesConfig",
    "AgentsAtDefaults",
    "MasqueradeAgent",
    "ProtectedRanges",
    "Network",
    "destination",
    "ObjectNamed",
    "PodsPull",
    "Addressing",
    "NodesReported",
    "PodsHaveAddresses",
    "ApiEnabled",
    "FailedOperations",
    "ProjectClusters",
    "ProjectGrant",
    "ProjectNumber",
    "ProjectIamMember",
    "GrantVisible",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'remediation' has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - keeps `import remediation` free of cost

    value = getattr(importlib.import_module(f"remediation.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
