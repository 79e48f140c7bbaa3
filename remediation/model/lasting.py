"""The mark on what outlives the process: each request that a provider sends, each entry that a journal writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


def lasting(function: Function) -> Function:
    """Mark a method whose effect outlives the process; a run may be killed right before or after it, and still ends well.

    `remediation.testing.crash` finds the marks. Mark the one place of a client through which all of its requests go.
    """
    function.__dict__["lasting"] = True
    return function
