"""``runbook rbac``: the least rights that a runbook needs, derived from the requests it declares."""

from __future__ import annotations

import re
from typing import Any

import click

from remediation.catalogue import index, loading
from remediation.catalogue.runbook import Runbook
from remediation.cli.console import say
from remediation.cli.layout import labelled
from remediation.cli.near_names import NameFirst
from remediation.cli.options import accept_common, parameter_option
from remediation.model.commands import command
from remediation.model.powers import Power
from remediation.model.targets import Target
from remediation.verbs.rights import Rights, rights_of

# What a runbook declares while it has no parameters, and the option that gives it.
_PLACEHOLDERS = {"NAMESPACE": "--namespace", "KSA": "--service-account", "NODE": "--node", "PROJECT": "--project"}


def _comments(found: list[Power]) -> str:
    """Return what the rights amount to, as comments in front of the roles that give them."""
    if not found:
        return ""
    lines = [line for power in found for line in labelled("- ", str(power))]
    return "".join(f"# {line}\n" for line in ["Some of these rights are as good as much more:", *lines])


def _text(book: Runbook, target: Target, found: Rights) -> str:
    import yaml  # noqa: PLC0415

    text = "---\n".join(yaml.safe_dump(item, sort_keys=False) for item in found.kubernetes)
    if found.google:
        name = "runbook_" + book.name.replace("-", "_")
        text += "---\n" if found.kubernetes else ""
        where = f"--project={target.project or 'PROJECT'}"
        create = command("gcloud", "iam", "roles", "create", name, where, "--file=ROLE.yaml")
        text += f"# Google custom role, for: {create}\n"
        role = yaml.safe_dump(
            {"title": f"runbook {book.name}", "stage": "GA", "includedPermissions": found.google}, sort_keys=False
        )
        text += "".join(f"# {line}\n" for line in role.splitlines())
    return text


def _warnings(book: Runbook, text: str, *, roles: bool) -> list[str]:
    """Return what a person has to know before they apply this: words that stand for names, and what is no role."""
    left = {word: option for word, option in _PLACEHOLDERS.items() if re.search(rf"\b{word}\b", text)}
    lines = []
    if left:
        lines += labelled("note:  ", f"printed with {', '.join(left)} for a name; give {', '.join(left.values())}")
    if not roles:
        lines += labelled("note:  ", f"{book.name} needs no Kubernetes role, so there is nothing for kubectl to apply")
    return lines


_WHERE = {
    "project": "Google Cloud project.",
    "location": "Location of the GKE cluster.",
    "cluster": "Name of the GKE cluster.",
}
_FORM = "How to print the result."


class RbacGroup(NameFirst):
    """One subcommand for each runbook, with its parameters, none of them required."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the catalogue."""
        return index.names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Make the command of one runbook."""
        book = loading.find(cmd_name)
        options = [parameter_option(item) for item in book.parameters]
        for option in options:
            option.required = False
        more = [click.Option([f"--{name}"], metavar="NAME", help=text) for name, text in _WHERE.items()]
        more += [
            click.Option(["--user"], metavar="NAME", help="Also print bindings to this user."),
            click.Option(["-o", "--output"], type=click.Choice(["text", "json"]), show_default="text", help=_FORM),
        ]

        def call(
            project: str | None,
            location: str | None,
            cluster: str | None,
            user: str | None,
            output: str | None,
            **values: Any,
        ) -> int:
            target = book.target(project=project, location=location, cluster=cluster)
            found = rights_of(book, target, values, user)
            if output == "json":
                from remediation.cli.render import print_json  # noqa: PLC0415

                print_json(
                    {
                        "runbook": book.name,
                        "kubernetes": found.kubernetes,
                        "google": found.google,
                        "powers": [power.as_json() for power in found.powers],
                    }
                )
            else:
                text = _comments(found.powers) + _text(book, target, found)
                say(text, end="")
                for line in _warnings(book, text, roles=bool(found.kubernetes)):
                    say(line, error=True)
            return 0

        command = click.Command(
            book.name, params=[*options, *more], callback=call, help=f"Print the least rights that {book.name} needs."
        )
        return accept_common(command)


rbac_command = RbacGroup(
    name="rbac",
    subcommand_metavar="NAME [OPTIONS]",
    help="Print the least rights that a runbook needs, for kubectl apply and gcloud.",
)
