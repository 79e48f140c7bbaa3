"""Write `remediation/built_in_kinds.py` from the discovery of a running kube-apiserver: ``scripts/kinds.py KUBECONFIG KUBECTL``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "remediation" / "built_in_kinds.py"
_HEAD = '''"""The kinds that every cluster has: resource names by kind, and which kinds have no namespace.

Made by scripts/kinds.py from the discovery of kube-apiserver {version}; a test compares it with the server's.
"""

'''


def read(path: str) -> Any:
    """Return one document of the server."""
    command = [sys.argv[2], f"--kubeconfig={sys.argv[1]}", "get", "--raw", path]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603


def rows(group_version: str) -> list[dict[str, Any]]:
    """Return the resources of a group version that are no part of another."""
    prefix = "/apis" if "/" in group_version else "/api"
    return [row for row in read(f"{prefix}/{group_version}")["resources"] if "/" not in row["name"]]


def main() -> None:
    """Write the file."""
    groups = read("/apis")["groups"]
    found = {name: rows(name) for name in ("v1", *(v["groupVersion"] for each in groups for v in each["versions"]))}
    plurals = {(name, row["kind"]): row["name"] for name, each in sorted(found.items()) for row in each}
    bare = sorted((name, row["kind"]) for name, each in found.items() for row in each if not row["namespaced"])
    text = _HEAD.format(version=read("/version")["gitVersion"])
    text += f"PLURALS: dict[tuple[str, str], str] = {plurals!r}\n"
    text += f"WITHOUT_NAMESPACE: frozenset[tuple[str, str]] = frozenset({bare!r})\n"
    FILE.write_text(text, "utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(FILE)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
