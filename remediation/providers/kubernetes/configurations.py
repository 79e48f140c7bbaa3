"""Find the cluster: kubeconfig, context, in-cluster service account. The official client does the reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from remediation.model.addresses import is_loopback, shown
from remediation.model.commands import advice, command
from remediation.model.errors import Refused, RunbookError, UsageProblem
from remediation.model.targets import Cluster
from remediation.providers.kubernetes.kubeconfig_files import existing, merged
from remediation.providers.kubernetes.login import ask_at_terminal, overhearing


def _to_nobody(text: str) -> None:
    """Tell nobody."""


def usual() -> str:
    """Return where the kubeconfig of a person is when nobody says anything else."""
    return str(Path.home() / ".kube" / "config")


def load(
    kubeconfig: str | None,
    context: str | None,
    warn: Callable[[str], None] = _to_nobody,
    *,
    in_cluster: bool = False,
    terminal: bool = False,
) -> tuple[Any, Cluster]:
    """Return the client configuration and the coordinates of the cluster.

    Args:
        kubeconfig: the search path; None for `usual`.
        context: which one; None for the current one.
        warn: told what a person should know about the way to the cluster.
        in_cluster: take the service account of this pod where there is no kubeconfig.
        terminal: let login plugins ask the person at the terminal of this process.

    Raises:
        Refused: there is no kubeconfig, it is malformed, or it has no such context.
    """
    from remediation.providers.kubernetes.sdk import kube_config  # noqa: PLC0415 - the SDK is loaded when a cluster is asked

    configuration = kube_config().Configuration()
    where = kubeconfig or usual()
    if existing(where):
        ask_at_terminal(terminal)
        return configuration, _from_files(configuration, where, context, warn)
    if in_cluster:
        return _in_cluster(configuration)
    raise Refused(
        f"there is no kubeconfig at {where}",
        "nothing was changed",
        advice("name one with --kubeconfig FILE, or rehearse with --sandbox"),
    )


def _from_files(configuration: Any, where: str, context: str | None, warn: Callable[[str], None]) -> Cluster:
    from kubernetes.config import ConfigException, kube_config  # noqa: PLC0415 - loaded by now

    try:
        document = merged(where)
        _require_context(document, where, context)
        loader = kube_config._get_kube_config_loader(config_dict=document, active_context=context)
        with overhearing() as heard:
            loader.load_and_set(configuration)
        current = loader.current_context["name"]
        login = loader._user and loader._user.safe_get("exec")
        proxy = loader._cluster and loader._cluster.safe_get("proxy-url")
    except RunbookError:
        raise
    except ConfigException as problem:
        raise _unusable(where, str(problem).split("\n", 1)[0][:160]) from None
    except Exception as problem:  # noqa: BLE001 - YAML, type and file errors alike mean that the file is unusable
        # The text of the cause may quote the file, and with it a token; its kind is enough.
        raise _unusable(where, _kind(problem)) from None
    server = configuration.host
    configuration.host = _address(server, current)
    _caution(configuration, server, current, warn)
    if is_loopback(configuration.host) and not proxy:  # as Go's clients do: what stays here goes through no proxy
        configuration.proxy = None
    if login and not configuration.api_key and not configuration.cert_file:
        raise _not_logged_in(current, str(login["command"]), heard.hung)
    return Cluster(context=current, server=configuration.host)


def _address(server: str, context: str) -> str:
    """Return where the API server is, without what must not be shown; that is not sent either, as for the official client."""
    try:
        return shown(server)
    except ValueError as problem:
        raise Refused(
            f"the address of the server of context {context} cannot be used: {problem}",
            "it is not shown, for it may hold a password; nothing was changed",
            command("kubectl", "--context", context, "config", "view", "--minify"),
        ) from None


def _caution(configuration: Any, server: str, context: str, warn: Callable[[str], None]) -> None:
    """Tell what a person should know about the way to the cluster before they rely on what it says."""
    if not configuration.verify_ssl and configuration.host.startswith("https://"):
        warn(
            f"nobody checks who answers at {configuration.host}: context {context} says insecure-skip-tls-verify, so whoever "
            "is in between can read the credentials, and change what is asked and answered"
        )
    if "@" in server:
        warn(f"the address of context {context} has a user or password before the @; kubectl sends them, this does not")


def _not_logged_in(context: str, plugin: str, hung: str) -> Exception:
    why = hung.removeprefix("the login plugin ") or "gave no credentials"
    return Refused(
        f"the login plugin {plugin} {why} for context {context}",
        "what it said is not shown, for it may hold a secret; kubectl shows it",
        (command("kubectl", "--context", context, "get", "namespaces"), command("gcloud", "auth", "login")),
    )


def _require_context(document: dict[str, Any], where: str, context: str | None) -> None:
    if context is not None and context not in [item["name"] for item in document["contexts"]]:
        raise UsageProblem(
            f"--context {context!r} is not in {where}",
            "nothing was changed",
            command("kubectl", "config", "get-contexts"),
        )
    if context is None and document["contexts"] and not document.get("current-context"):
        raise Refused(
            f"no cluster is named: {where} sets no current-context",
            "nothing was changed",
            command("kubectl", "config", "get-contexts"),
        )


def _unusable(where: str, text: str) -> Refused:
    return Refused(
        f"the kubeconfig {where} cannot be used: {text}", "nothing was changed", command("kubectl", "config", "view")
    )


def _kind(problem: Exception) -> str:
    mark = getattr(problem, "problem_mark", None)
    if mark is not None:
        return f"not valid YAML at line {mark.line + 1}"
    return {
        "PermissionError": "it is not readable",
        "IsADirectoryError": "it is a directory",
        "UnicodeDecodeError": "it is not a text file",
    }.get(type(problem).__name__, f"it is malformed ({type(problem).__name__})")


def _in_cluster(configuration: Any) -> tuple[Any, Cluster]:
    from kubernetes.config import ConfigException, load_incluster_config  # noqa: PLC0415

    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException as problem:
        raise Refused(
            f"the in-cluster credentials cannot be used: {problem}",
            next=advice("name a kubeconfig with --kubeconfig FILE"),
        ) from None
    return configuration, Cluster(context="in-cluster", server=configuration.host)
