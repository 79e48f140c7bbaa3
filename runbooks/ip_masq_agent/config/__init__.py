"""The ip-masq-agent configuration, read, checked and rewritten as the agent itself reads it.

Everything here is pure: text and networks in, values and text out. The agent keeps the pod address for
destinations in `nonMasqueradeCIDRs` and hides it behind the node address for all others.
Source: https://github.com/kubernetes-sigs/ip-masq-agent and
https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent.
"""

from .config import MasqueradeConfig
from .duration import go_duration
from .fitting import also, fitting
from .mending import joined, mended
from .problems import ConfigProblem, Problem, Severity, problems
from .ranges import DEFAULT_RANGES, RESERVED_RANGES, exclude
from .repair import repaired

__all__ = [
    "DEFAULT_RANGES",
    "RESERVED_RANGES",
    "ConfigProblem",
    "MasqueradeConfig",
    "Problem",
    "Severity",
    "also",
    "exclude",
    "fitting",
    "go_duration",
    "joined",
    "mended",
    "problems",
    "repaired",
]
