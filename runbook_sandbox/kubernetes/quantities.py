"""Amounts such as `1000m` and `1.5Gi`, in the form in which the API server writes them back.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ (canonical form).
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal

_FORM = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NANO = Decimal("1e-9")


def amount(text: str) -> Decimal:
    """Return an amount as a number; raises ValueError for what is no amount."""
    return _parsed(text)[0]


def canonical(text: str) -> str:
    """Return an amount with the largest suffix that needs no fraction; raises ValueError for what is no amount."""
    value, suffix = _parsed(text)
    if suffix in _BINARY:
        return _binary(value)
    return _exponential(value) if suffix[:1] in ("e", "E") and len(suffix) > 1 else _decimal(value)


def _parsed(text: str) -> tuple[Decimal, str]:
    found = _FORM.match(text)
    if found is None:
        raise ValueError(text)
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        return number * 2 ** _BINARY[suffix], suffix
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return (number.scaleb(exponent) / _NANO).to_integral_value(ROUND_UP) * _NANO, suffix


def _binary(value: Decimal) -> str:
    if value != value.to_integral_value() or abs(value) < 1024:
        return _decimal(value)
    whole = int(value)
    fits = [name for name, power in _BINARY.items() if whole % 2**power == 0]
    return f"{whole // 2 ** _BINARY[fits[-1]]}{fits[-1]}" if fits else str(whole)


def _decimal(value: Decimal) -> str:
    if not value:
        return "0"
    name = next(name for name in reversed(_DECIMAL) if value.scaleb(-_DECIMAL[name]) % 1 == 0)
    return f"{int(value.scaleb(-_DECIMAL[name]))}{name}"


def _exponential(value: Decimal) -> str:
    power = next((each for each in range(18, -10, -3) if value.scaleb(-each) % 1 == 0), 0)
    return f"{int(value.scaleb(-power))}e{power}" if power else str(int(value))
