"""What only a person can do about the configuration of ip-masq-agent, in words."""

from __future__ import annotations

from remediation import Hint, advice, command

from .agent import NAME, NAMESPACE

EDIT_CONFIG = command("kubectl", "-n", NAMESPACE, "edit", "configmap", NAME)
EDIT = advice("edit it by hand: {}", EDIT_CONFIG)
DEPLOY = advice("deploy an agent by hand with the list that you want, then repeat")
IMMUTABLE = "the ConfigMap is immutable, so nobody can change it, only delete it and make it anew"
# Whoever made it immutable has a reason, and what makes it again may be a pipeline: it is no command to be copied at night.
# Source: https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-immutable
MAKE_ANEW: Hint = advice(
    "ask who made it immutable, then save what {} prints, take out immutable: true, delete the ConfigMap and create it from that",
    command("kubectl", "-n", NAMESPACE, "get", "configmap", NAME, "-o", "yaml"),
)
