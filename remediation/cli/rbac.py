"""``runbook rbac``: the least rights that a runbook needs, derived from the requests it declares."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import click

from remediation import providers
from remediation.catalogue import index, loading
from remediation.catalogue.runbook import Runbook
from remediation.cli.console import say
from remediation.cli.layout import labelled
from remediation.cli.near_names import NameFirst
from remediation.cli.options import accept_common, parameter_option
from remediation.model.commands import command
from remediation.model.powers import Power, powers
from remediation.model.rights import Permission
from remediation.model.targets import Cluster, Target

# What a runbook declares while it has no parameters, and the option that gives it.
_PLACEHOLDERS = {"NAMESPACE": "--namespace", "KSA": "--service-account", "NODE": "--node", "PROJECT": "--project"}
# Which cluster it is, is recorded with each run.
_WHICH_CLUSTER = Permission("get", "namespaces", "", "", "kube-system")
_CLUSTER_SCOPED = ("nodes", "namespaces", "servicecidrs")


def permissions_of(book: Runbook, target: Target, values: dict[str, Any]) -> list[Permission]:
    """Return the runbook's rights and, where it writes to a cluster, those on the lock of each object."""
    given = {key: value for key, value in values.items() if value not in (None, ())}
    scopes = book.scopes(target, given)
    locks = {
        right
        for scope in scopes
        if (provider := providers.locking(scope))
        for right in (*provider.lock_rights(scope), *provider.lock_wishes(scope))
    }
    which = [_WHICH_CLUSTER] if book.target is Cluster else []
    return book.permissions(target, given) + which + sorted(locks)


def roles(book: Runbook, target: Target, values: dict[str, Any], user: str | None = None) -> list[dict[str, Any]]:
    """Return the Role of each namespace and the ClusterRole, with bindings when a user is named."""
    spaces: dict[str, list[Permission]] = defaultdict(list)
    for item in permissions_of(book, target, values):
        if item.provider == "kubernetes":
            spaces["" if item.resource.partition("/")[0] in _CLUSTER_SCOPED else item.namespace].append(item)
    documents = []
    for namespace, rights in sorted(spaces.items()):
        role = _role(book, namespace, rights)
        documents += [role, _binding(role, user)] if user else [role]
    return documents


def _role(book: Runbook, namespace: str, rights: list[Permission]) -> dict[str, Any]:
    verbs: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for item in rights:
        verbs[item.group, item.resource, item.name].add(item.verb)
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": sorted(allowed)}
        | ({"resourceNames": [name]} if name else {})
        for (group, resource, name), allowed in sorted(verbs.items())
    ]
    metadata = {"name": f"runbook-{book.name}"} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": metadata,
        "rules": rules,
    }


def _binding(role: dict[str, Any], user: str) -> dict[str, Any]:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role["kind"], "name": role["metadata"]["name"]}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    return {
        "apiVersion": role["apiVersion"],
        "kind": role["kind"] + "Binding",
        "metadata": role["metadata"],
        "roleRef": reference,
        "subjects": [subject],
    }


def google_permissions(book: Runbook, target: Target, values: dict[str, Any]) -> list[str]:
    """Return the IAM permissions for a Google custom role."""
    return sorted({item.resource for item in permissions_of(book, target, values) if item.provider == "google"})


def powers_of(book: Runbook, target: Target, values: dict[str, Any]) -> list[Power]:
    """Return which of the rights are as good as much more."""
    return powers(permissions_of(book, target, values))


def _comments(found: list[Power]) -> str:
    """Return what the rights amount to, as comments in front of the roles that give them."""
    if not found:
        return ""
    lines = [line for power in found for line in labelled("- ", str(power))]
    return "".join(f"# {line}\n" for line in ["Some of these rights are as good as much more:", *lines])


def _text(book: Runbook, target: Target, documents: list[dict[str, Any]], google: list[str]) -> str:
    import yaml  # noqa: PLC0415

    text = "---\n".join(yaml.safe_dump(item, sort_keys=False) for item in documents)
    if google:
        name = "runbook_" + book.name.replace("-", "_")
        text += "---\n" if documents else ""
        where = f"--project={target.project or 'PROJECT'}"
        create = command("gcloud", "iam", "roles", "create", name, where, "--file=ROLE.yaml")
        text += f"# Google custom role, for: {create}\n"
        role = yaml.safe_dump(
            {"title": f"runbook {book.name}", "stage": "GA", "includedPermissions": google}, sort_keys=False
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
            documents, google = roles(book, target, values, user), google_permissions(book, target, values)
            found = powers_of(book, target, values)
            if output == "json":
                from remediation.cli.render import print_json  # noqa: PLC0415

                print_json(
                    {
                        "runbook": book.name,
                        "kubernetes": documents,
                        "google": google,
                        "powers": [power.as_json() for power in found],
                    }
                )
            else:
                text = _comments(found) + _text(book, target, documents, google)
                say(text, end="")
                for line in _warnings(book, text, roles=bool(documents)):
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
