"""Addresses of API servers: what of them may be shown and kept, and which of them a secret may be sent to in the clear."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

_END_OF_HOST = re.compile(r"[/?#]")


def shown(address: str) -> str:
    """Return an address without user, password, query and fragment: they may be secrets, and no API server needs them.

    Without a scheme it is ``http``, as for the official client. Raises ValueError, which quotes nothing, for what cannot be
    taken apart: nobody can tell which part of that is a password.
    """
    whole = address if "://" in address else f"http://{address}"
    host, *rest = _END_OF_HOST.split(whole.partition("://")[2], maxsplit=1)
    try:
        parts = urlsplit(whole)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or any("@" in text for text in rest):  # an "@" there means that a password was not encoded
        raise ValueError("it is not an address such as https://192.0.2.1:6443")
    return f"{parts.scheme}://{host.rpartition('@')[2]}{parts.path}"


def shown_target(target: Any) -> Any:
    """Return the coordinates of a target as they may be shown; earlier versions kept the whole address of the server."""
    if not isinstance(target, dict) or not isinstance(target.get("server"), str):
        return target
    try:
        return target | {"server": shown(target["server"])}
    except ValueError:
        return target | {"server": "(not an address)"}


def target_in_words(target: Any) -> str:
    """Return the coordinates of a target for a sentence: ``context t project p (https://…)``."""
    target = shown_target(target)
    named = " ".join(f"{key} {value}" for key, value in target.items() if key != "server")
    return named + (f" ({target['server']})" if "server" in target else "")


def is_private(address: str) -> bool:
    """Tell whether nobody else can read what is sent to an address: it is encrypted, or never leaves this machine."""
    return address.startswith("https://") or is_loopback(address)


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine: ``localhost``, 127.0.0.0/8 or ``::1``."""
    name = urlsplit(address).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
