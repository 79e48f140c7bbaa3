"""Import the official Kubernetes client without what only some credentials need.

The client loads OAuth, Google, websocket and typed-model libraries at import, which takes a third of the time of a small run,
and uses them only for two kinds of kubeconfig users and for exec. Here stand-ins take their place, and load them when they
are first used. (The standard library's LazyLoader does not do: in Python 3.11 importing a lazy module a second time loads it.)

What is imported belongs to the process: of several runs that begin at once one imports, and whoever imports one of these
modules meanwhile for another reason, such as Google's client, gets the real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock
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
_one_at_a_time = Lock()


def kube_config() -> Any:
    """Return ``kubernetes.config.kube_config``."""
    with _one_at_a_time:
        return _imported()


@cache
def _imported() -> Any:
    with _standing_in(_DEFERRED):
        found = importlib.import_module("kubernetes.config.kube_config")
    limit(sys.modules["kubernetes.config.exec_provider"])
    # The client's package remembers what it gave away; whoever asks it from now on gets the real class.
    vars(sys.modules["kubernetes.client"]).pop("ApiClient", None)
    return found


@contextmanager
def _standing_in(names: Sequence[str]) -> Iterator[None]:
    """Put stand-ins where imports look; afterwards only those who imported them in the meantime keep them."""
    for name in names:
        stand_in = _StandIn(name)
        parent, _, leaf = name.rpartition(".")
        if parent and not name.startswith("kubernetes."):  # whose import is what all this is about
            above = importlib.import_module(parent)
            if sys.modules.setdefault(name, stand_in) is stand_in:
                setattr(above, leaf, stand_in)
        else:
            sys.modules.setdefault(name, stand_in)
    try:
        yield
    finally:
        for name in names:
            if isinstance(sys.modules.get(name), _StandIn):
                sys.modules.pop(name, None)


def _real(name: str) -> Any:
    """Import the module that a stand-in stands for, also while it stands where imports look."""
    if isinstance(sys.modules.get(name), _StandIn):
        sys.modules.pop(name, None)
    return importlib.import_module(name)


class _StandIn(ModuleType):
    """A module that imports the real one for the first attribute that somebody asks for."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(_real(self.__name__), attribute)

    def OAuth2Session(self, *values: Any, **options: Any) -> Any:  # noqa: N802 - the name that is imported from the module
        """Make a real session; it is imported by name, so it has to be here before the module is loaded."""
        return _real(self.__name__).OAuth2Session(*values, **options)

    def ApiClient(self, *values: Any, **options: Any) -> Any:  # noqa: N802 - likewise
        """Make a real client, with which OpenID tokens are refreshed."""
        return _real(self.__name__).ApiClient(*values, **options)
