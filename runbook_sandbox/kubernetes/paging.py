"""Lists in pages: ``limit`` and ``continue``."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from runbook_sandbox.kubernetes import problems
from runbook_sandbox.kubernetes.objects import Object


def page(objects: list[Object], query: Mapping[str, str], version: int) -> tuple[list[Object], int, str]:
    """Return one page of a list, how many are left and the token for the next page."""
    limit = _limit(query.get("limit", ""))
    start = _start(query["continue"]) if query.get("continue") else ("", "")
    rest = [each for each in objects if (each["metadata"].get("namespace", ""), each["metadata"]["name"]) > start]
    if limit <= 0 or len(rest) <= limit:
        return rest, 0, ""
    last = rest[limit - 1]["metadata"]
    token = json.dumps({"rv": version, "start": [last.get("namespace", ""), last["name"]]})
    return rest[:limit], len(rest) - limit, base64.urlsafe_b64encode(token.encode()).decode()


def _limit(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError as error:
        raise problems.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _start(token: str) -> tuple[str, str]:
    try:
        namespace, name = json.loads(base64.urlsafe_b64decode(token))["start"]
    except (ValueError, KeyError) as error:
        raise problems.bad_request(
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"
        ) from error
    return namespace, name
