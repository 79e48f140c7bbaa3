"""Secrets that are planted, to be looked for in everything that a person or a file could show."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runbook_sandbox.google.accounts import MARK

KEY = "PLANTED-PRIVATE-KEY-0123456789-abcdefghijklmnopqrstuvwxyz"
TOKEN = "planted-token"  # noqa: S105 - it is a secret of nobody
# In each key that the emulated IAM API makes.
EMULATED = base64.b64encode(MARK).decode()


def _encoded(text: str) -> Iterator[str]:
    """Yield what base64 makes of a text inside a longer one, at each of its three offsets."""
    for skip in range(3):
        middle = text.encode()[skip:]
        yield base64.b64encode(middle[: len(middle) // 3 * 3]).decode()


# As they are, and as pull secrets hold them.
PLANTED = (KEY, TOKEN, EMULATED, *_encoded(KEY), *_encoded(EMULATED))


def key_file(folder: Path, account: str = "puller", secret: str = KEY) -> Path:
    """Write a service-account key of the right form around a value that tests look for."""
    content = {
        "type": "service_account",
        "project_id": "example-prod",
        "private_key_id": f"0123456789abcdef{account}",
        "private_key": f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n",
        "client_id": "1",
        "client_email": f"{account}@example-prod.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path = folder / f"{account}.json"
    path.write_text(json.dumps(content))
    return path


def assert_no_secret(what: str, printed: str, *files: Path) -> None:
    """Look for planted secrets in everything that a command printed, and in the journal and plans that it wrote."""
    found = [(file, file.read_bytes()) for path in files for file in _beside(path)]
    for secret in PLANTED:
        if secret in printed:
            raise AssertionError(f"{what} printed a secret")
        for file, content in found:
            if secret.encode() in content:
                raise AssertionError(f"{what} wrote a secret into {file}")


def _beside(path: Path) -> list[Path]:
    """Return a file and those whose names begin like it, such as the log of a database."""
    return [file for file in path.parent.glob(path.name + "*") if file.is_file()]


def assert_only_in_secrets(what: str, objects: Iterator[dict[str, Any]]) -> None:
    """Look for planted secrets in each object of a cluster that is no Secret."""
    for obj in objects:
        text = json.dumps(obj)
        if obj["kind"] != "Secret" and any(secret in text for secret in PLANTED):
            raise AssertionError(f"{what} put a secret into {obj['kind']} {obj['metadata']['name']}")
