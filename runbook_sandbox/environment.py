"""What official clients have to be told, so that a shell works on the sandbox and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runbook_sandbox.process import KINDS, Sandbox, folder

_OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_"
# The Google APIs that are emulated, by the names that gcloud has for them; two have their version in the address.
_PATHS = {"COMPUTE": "compute/v1/", "DNS": "dns/v1/"}
_APIS = ("ARTIFACTREGISTRY", "CLOUDRESOURCEMANAGER", "COMPUTE", "CONTAINER", "DNS", "IAM", "SERVICEUSAGE")
_OVERRIDES = tuple(_OVERRIDE + name for name in _APIS)
# Ours is used whatever else the shell names; an empty value stands for none.
_AUTH = (
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_DISABLE_CREDENTIALS",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
)
_OWN = ("KUBECONFIG", "CLOUDSDK_CONFIG", "CLOUDSDK_CORE_PROJECT", *_AUTH, *_OVERRIDES)
# Under this prefix a shell remembers what a variable was before.
_BEFORE = "BEFORE_SANDBOX_"
_PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_HERE = "127.0.0.1"


def entering(sandbox: Sandbox, present: Mapping[str, str]) -> dict[str, str]:
    """Return what a shell sets, so that kubectl and gcloud work on the sandbox, and what to remember for leaving it.

    gcloud gets a configuration of its own and the sandbox's access token, and sends nobody's credentials: no login, key
    file or impersonation that the shell may also name is used.
    Source: https://cloud.google.com/sdk/docs/properties

    Args:
        sandbox: the running one.
        present: the variables of that shell.
    """
    google = sandbox.endpoints["google"] + "/"
    own = (str(sandbox.kubeconfig), str(_configuration(sandbox.folder)), sandbox.coordinates["project"])
    token = (str(sandbox.token_file), "false", "", "")
    chosen = dict(
        zip(_OWN, (*own, *token, *(google + _PATHS.get(name, "") for name in _APIS)), strict=True)
    ) | _past_proxies(present)
    if _inside(present):  # then what was before is remembered already
        return chosen
    return {_BEFORE + name: present[name] for name in chosen if name in present} | chosen


def leaving(present: Mapping[str, str]) -> dict[str, str | None]:
    """Return what a shell sets again, and with None what it unsets, to leave the sandbox; nothing outside of one."""
    if not _inside(present):
        return {}
    proxies = [name for name in ("NO_PROXY", "no_proxy") if _BEFORE + name in present or present.get(name) == _HERE]
    again = {name: present.get(_BEFORE + name) for name in (*_OWN, *proxies)}
    return again | {name: None for name in sorted(present) if name.startswith(_BEFORE)}


def _inside(present: Mapping[str, str]) -> bool:
    """Tell whether this shell is on a sandbox already."""
    return present.get("CLOUDSDK_CONFIG") in {str(_configuration(folder(kind))) for kind in KINDS}


def _configuration(place: Path) -> Path:
    """Return the folder of gcloud's configuration for a sandbox; the one of the person stays as it is."""
    return place / "gcloud"


def _past_proxies(present: Mapping[str, str]) -> dict[str, str]:
    """Return what keeps gcloud from asking a proxy for this machine; kubectl never does."""
    if not any(present.get(name) for name in _PROXIES):
        return {}
    known = present.get("no_proxy") or present.get("NO_PROXY") or ""
    listed = known if _HERE in known.split(",") else ",".join(filter(None, (known, _HERE)))
    return {"NO_PROXY": listed, "no_proxy": listed}
