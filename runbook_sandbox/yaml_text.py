"""YAML from outside, read in bounded time and memory: one name can stand for as much as one likes in YAML.

Real readers have limits too, and say "document contains excessive aliasing"; here no alias is read at all, which also
leaves merge keys without anything to merge but what is written out.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

MOST_BYTES = 64 * 1024


class YamlProblem(Exception):
    """A text that is no YAML, or that would take more than it is given."""


@cache
def _loader() -> Any:
    """Return the safe loader without aliases; the library is loaded when the first YAML comes, for most is JSON."""
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise YamlProblem("document contains excessive aliasing")
            return super().compose_node(parent, index)

    return Loader, yaml.YAMLError


def load(text: str | bytes) -> Any:
    """Return the first document, None where there is none; raises YamlProblem. JSON may be of any length."""
    start = text.lstrip()[:1]
    if start in ("{", b"{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass  # YAML's own maps begin so too
    if len(text) > MOST_BYTES:
        raise YamlProblem(f"a document of {len(text)} bytes; YAML is read up to {MOST_BYTES}, JSON is not limited so")
    kind, failure = _loader()
    try:
        loader = kind(text)
        return loader.get_data() if loader.check_data() else None
    except failure as error:
        raise YamlProblem(str(error)) from None
    except (RecursionError, ValueError):
        raise YamlProblem("exceeded max depth or a value out of range") from None
