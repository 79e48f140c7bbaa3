"""What a run refuses to do, each with the way on."""

from __future__ import annotations

from remediation import GoogleAccount, allow, command, need

from .situation import Situation


def require_one_source(now: Situation) -> None:
    """Reject no source of credentials, and two."""
    only = "exactly one of --from-key-file and --google-service-account is allowed"
    allow(bool(now.key_file) != bool(now.email), only)


def require_place(now: Situation) -> None:
    """Reject a namespace or service account that does not exist."""
    namespace, account = now.places
    allow(
        namespace,
        f"--namespace {now.namespace!r} does not exist; allowed is a namespace of this cluster",
        command("kubectl", "get", "namespaces"),
    )
    allow(
        account,
        f"--service-account {now.service_account!r} does not exist; allowed is one of namespace {now.namespace!r}",
        command("kubectl", "-n", now.namespace, "get", "serviceaccounts"),
    )


def require_alive(now: Situation, email: str) -> None:
    """Refuse an account whose keys would not work."""
    account = allow(
        now.facts(GoogleAccount(email)),
        f"--google-service-account {email!r} does not exist; allowed is a service account",
        command("gcloud", "iam", "service-accounts", "list"),
    )
    need(
        not account.get("disabled"),
        f"{email} is disabled, so no key of it works; if nobody has a reason for that, enable it",
        command("gcloud", "iam", "service-accounts", "enable", email),
    )
