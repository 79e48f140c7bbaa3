"""Import the official Kubernetes client without what only some credentials need.

The client loads OAuth, Google, websocket and typed-model libraries at import, which takes a third of the time of a small run,
and uses them only for two kinds of kubeconfig users and for exec. Here stand-ins take their place, and load them when they
are first used. (The standard library's LazyLoader does not do: in Python 3.11 importing a lazy module a second time loads it.)
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from remediation.providers.kubernetes.login import limit

_DEFERRED = (
    "oauthlib.oauth2",
    "google.auth.transport.requests",
    "requests_oauthlib",
    "kubernetes.stream",
    "kubernetes.watch",
    "kubernetes.dynamic",
    "kubernetes.informer",
    "kubernetes.leaderelection",
    "kubernetes.client.api_client",
)


def kube_config() -> Any:
    """Return ``kubernetes.config.kube_config``."""
    with _standing_in([name for name in _DEFERRED if name not in sys.modules]):
        found = importlib.import_module("kubernetes.config.kube_config")
    limit(sys.modules["kubernetes.config.exec_provider"])
    # The client's package remembers what it gave away; whoever asks it from now on gets the real class.
    vars(sys.modules["kubernetes.client"]).pop("ApiClient", None)
    return found


@contextmanager
def _standing_in(names: list[str]) -> Iterator[None]:
    """Put stand-ins where imports look; afterwards only those who imported them in the meantime keep them."""
    for name in names:
        stand_in = _StandIn(name)
        parent, _, leaf = name.rpartition(".")
        if parent and not name.startswith("kubernetes."):  # whose import is what all this is about
            setattr(importlib.import_module(parent), leaf, stand_in)
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)


class _StandIn(ModuleType):
    """A module that imports the real one for the first attribute that somebody asks for."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__name__), attribute)

    def OAuth2Session(self, *values: Any, **options: Any) -> Any:  # noqa: N802 - the name that is imported from the module
        """Make a real session; it is imported by name, so it has to be here before the module is loaded."""
        return importlib.import_module(self.__name__).OAuth2Session(*values, **options)

    def ApiClient(self, *values: Any, **options: Any) -> Any:  # noqa: N802 - likewise
        """Make a real client, with which OpenID tokens are refreshed."""
        return importlib.import_module(self.__name__).ApiClient(*values, **options)
