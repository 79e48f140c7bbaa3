"""Write the survey of runbooks beside them, or check what is there.

``python -m remediation.testing.survey [NAME…] [--catalogue DIR] [--check]``
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from remediation.catalogue import loading, sources
from remediation.testing.survey import surveys


@click.command()
@click.argument("names", nargs=-1)
@click.option("--catalogue", multiple=True, type=click.Path(path_type=Path), help="Folder with more runbooks.")
@click.option("--check", is_flag=True, help="Only tell what is stale.")
def main(names: tuple[str, ...], catalogue: tuple[Path, ...], check: bool) -> None:
    """Write what is stale; steps that no scenario reaches are told in any case."""
    for folder in catalogue:
        sources.use_folder(folder)
    files, problems = surveys(loading.chosen(*names))
    for path, text in files.items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        if check:
            problems.append(f"{path} is stale; run: python -m remediation.testing.survey")
        else:
            path.write_text(text, "utf-8")
            click.echo(f"wrote {path}")
    for problem in problems:
        click.echo(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
