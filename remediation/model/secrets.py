"""Values that must not be shown, and the one kind that operators hand in: a service-account key file."""

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, Self

from remediation.model.limits import OBJECT

MASK = "***"
_PRIVATE_KEY = re.compile(r"\s*-----BEGIN (RSA )?PRIVATE KEY-----\s.+\s-----END (RSA )?PRIVATE KEY-----\s*", re.DOTALL)
_EMAIL = re.compile(r"[^@\s]{1,256}@[^@\s]{1,256}")
BROKEN = object()


class Secret:
    """Bytes that print as `***`, compare in constant time and refuse to be pickled or written as JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the bytes; the only way to them, so that a search for this word finds every use."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        # A width or another format must not make it fail: the caller is usually an error message.
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    # A hash would be a fingerprint without salt.
    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be pickled.")


@dataclass(frozen=True, eq=True)
class ServiceAccountKey:
    """A Google service-account key file; only `raw` is secret.

    Source: https://cloud.google.com/iam/docs/keys-create-delete.
    """

    client_email: str
    private_key_id: str
    project_id: str
    raw: Secret = field(hash=False)

    @classmethod
    def parse(cls, raw: "Secret | bytes") -> Self:
        """Read the content of a key file.

        Raises:
            ValueError: not a service-account key; the sentence names the field and never shows the content.
        """
        secret = raw if isinstance(raw, Secret) else Secret(raw)
        document = load_json(secret)
        if not isinstance(document, dict):
            # A fault of the content, not of the caller's types.
            raise ValueError("The key file is not a JSON object; use the key file as downloaded.")  # noqa: TRY004
        for name, is_valid in _FIELDS.items():
            value = document.get(name)
            if not isinstance(value, str) or not is_valid(value):
                raise ValueError(f"The field {name} of the key file is missing or wrong; it must be {_ALLOWED[name]}.")
        return cls(document["client_email"], document["private_key_id"], document["project_id"], secret)


_FIELDS: dict[str, Callable[[str], bool]] = {
    "type": lambda value: value == "service_account",
    "private_key": lambda value: bool(_PRIVATE_KEY.fullmatch(value)),
    "client_email": lambda value: bool(_EMAIL.fullmatch(value)) and "." in value.rpartition("@")[2].strip("."),
    "private_key_id": lambda value: bool(value.strip()),
    "project_id": lambda value: bool(value.strip()),
}
_ALLOWED = {
    "type": "service_account",
    "private_key": "a private key in PEM format",
    "client_email": "the e-mail address of a service account",
    "private_key_id": "the id of the key",
    "project_id": "the id of the project",
}


def load_json(secret: Secret) -> object:
    """Read UTF-8 JSON without repeated keys; return BROKEN, never an error, because errors carry the content.

    What is larger than a Secret can be is not read at all.
    """
    if len(secret.reveal()) > OBJECT:
        return BROKEN
    try:
        return json.loads(secret.reveal().decode(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return BROKEN


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("A key is repeated.")
    return result
