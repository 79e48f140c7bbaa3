"""Write the survey of runbooks beside them, or check what is there."""

from __future__ import annotations

import sys

from remediation.catalogue.loading import find, load
from remediation.testing.survey import surveys


def main() -> int:
    """Write what is stale, or with ``--check`` tell it; steps that no scenario reaches are told in any case."""
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    files, problems = surveys(map(find, names) if names else load().values())
    stale = [path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if "--check" in sys.argv:
            problems.append(f"{path} is stale; run: python -m remediation.testing.survey")
        else:
            path.write_text(files[path], "utf-8")
            sys.stdout.write(f"wrote {path}\n")
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
