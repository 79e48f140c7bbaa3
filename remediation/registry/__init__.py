"""Registries and the credentials that pull from them; nothing here ever shows a secret.

Everything is pure: text and bytes in, values and bytes out.
"""

from .docker_config import DockerConfig, Entry, docker_config_entry, same_registry
from .hosts import image_host, registry_host, repository, same_host
from .pull_failure import PullFailure, classify_pull_failure, may_not_exist, missing_secrets
from .secret import Secret, ServiceAccountKey

__all__ = [
    "DockerConfig",
    "Entry",
    "PullFailure",
    "Secret",
    "ServiceAccountKey",
    "classify_pull_failure",
    "docker_config_entry",
    "image_host",
    "may_not_exist",
    "missing_secrets",
    "registry_host",
    "repository",
    "same_host",
    "same_registry",
]
