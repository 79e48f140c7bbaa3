"""Service accounts and their keys.

Source: https://cloud.google.com/iam/docs/keys-create-delete and https://cloud.google.com/iam/quotas (10 keys per account)
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

from runbook_sandbox.google.faults import GoogleError
from runbook_sandbox.google.policy import PolicyBox, new_policy

KEY_LIMIT = 10
# Every emulated key begins with this, so that one which leaked can be looked for.
MARK = b"emulated-private-key:"
_FOREVER = "9999-12-31T23:59:59Z"


class Account:
    """One service account with its user-managed keys."""

    def __init__(self, email: str, knows: Any) -> None:
        self.email, self.disabled, self.display_name = email, False, ""
        self.unique_id = str(int.from_bytes(os.urandom(8), "big"))
        self.box = PolicyBox(new_policy(), knows)
        self.keys: dict[str, dict[str, Any]] = {}

    @property
    def project(self) -> str:
        """The project that the address names."""
        return self.email.partition("@")[2].partition(".")[0]

    @property
    def name(self) -> str:
        """The resource name."""
        return f"projects/{self.project}/serviceAccounts/{self.email}"

    def as_json(self) -> dict[str, Any]:
        """Return the account as the API shows it."""
        return {
            "name": self.name,
            "projectId": self.project,
            "email": self.email,
            "uniqueId": self.unique_id,
            "oauth2ClientId": self.unique_id,
            "etag": self.box.policy["etag"],
        } | self._shown_if_set()

    def _shown_if_set(self) -> dict[str, Any]:
        """Return the fields that are left out while they are empty or false."""
        return ({"displayName": self.display_name} if self.display_name else {}) | (
            {"disabled": True} if self.disabled else {}
        )

    def create_key(self, *, forbidden: bool) -> dict[str, Any]:
        """Make a key and return it with its private part, which is shown only this once."""
        if forbidden:
            raise GoogleError(
                400,
                "Key creation is not allowed on this service account. constraints/iam.disableServiceAccountKeyCreation",
                "FAILED_PRECONDITION",
            )
        if len(self.keys) >= KEY_LIMIT:
            raise GoogleError(429, "Maximum number of keys on account reached.")
        identifier = os.urandom(20).hex()
        key = {
            "name": f"{self.name}/keys/{identifier}",
            "validAfterTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "validBeforeTime": _FOREVER,
            "keyAlgorithm": "KEY_ALG_RSA_2048",
            "keyOrigin": "GOOGLE_PROVIDED",
            "keyType": "USER_MANAGED",
            "disabled": False,
        }
        self.keys[identifier] = key
        return key | {
            "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE",
            "privateKeyData": base64.b64encode(self._file(identifier)).decode(),
        }

    def _file(self, identifier: str) -> bytes:
        """Return a credentials file of the real form around bytes that are no key: nothing here can sign."""
        body = base64.encodebytes(MARK + os.urandom(363)).decode()
        return json.dumps(
            {
                "type": "service_account",
                "project_id": self.project,
                "private_key_id": identifier,
                "private_key": f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n",
                "client_email": self.email,
                "client_id": self.unique_id,
                "token_uri": "https://oauth2.googleapis.com/token",
            },
            indent=2,
        ).encode()

    def key(self, identifier: str) -> dict[str, Any]:
        """Return one key; raises GoogleError 404."""
        if identifier not in self.keys:
            raise GoogleError(404, f"Service account key {self.name}/keys/{identifier} does not exist.")
        return self.keys[identifier]

    def delete_key(self, identifier: str) -> None:
        """Delete a key for good."""
        self.key(identifier)
        del self.keys[identifier]

    def dump(self) -> dict[str, Any]:
        """Return the account as JSON."""
        return {
            "unique_id": self.unique_id,
            "disabled": self.disabled,
            "display_name": self.display_name,
            "policy": self.box.policy,
            "keys": self.keys,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what `dump` returned."""
        self.unique_id, self.disabled, self.box.policy, self.keys = (
            state["unique_id"],
            state["disabled"],
            state["policy"],
            state["keys"],
        )
        self.display_name = state.get("display_name", "")
