"""A new key, where the account may have one more and it would help."""

from __future__ import annotations

from remediation import Steps, Unchecked, command, need

from .artifacts import NOT_SEEN, RepositoryReader
from .service_account_key import LIMIT, ServiceAccountKey
from .situation import Situation

_BIND = ("gcloud", "artifacts", "repositories", "add-iam-policy-binding")
_READER = "--role=roles/artifactregistry.reader"


def new_key(now: Situation, email: str) -> Steps:
    """Make a key unless it would not help, or the account has as many as Google allows."""
    for name in now.repositories:
        yield from _may_read(now, email, name)
    if not now.repositories:
        yield Unchecked(
            f"that {email} may read the images", f"no pod names an Artifact Registry image on {now.registry}"
        )
    keys = now.keys
    need(len(keys) < LIMIT, f"{email} has {len(keys)} keys of {LIMIT}; delete one that is not used")
    yield ServiceAccountKey(email, tuple(key["name"] for key in keys))


def _may_read(now: Situation, email: str, name: str) -> Steps:
    """Refuse to make a key that would not help, as far as policies tell."""
    found = now.facts(RepositoryReader(email, name))
    _, project, _, location, _, repository = name.split("/")
    where = (repository, f"--project={project}", f"--location={location}")
    need(
        found.answer is not False,
        f"a key of {email} would not help: it may not read {name}; {found.why} "
        "(where a folder does, make the key yourself and give it with --from-key-file)",
        command(*_BIND, *where, f"--member=serviceAccount:{email}", _READER),
    )
    if found.answer is None:
        yield Unchecked(f"that {email} may read {name}", found.why)
    yield Unchecked(f"what else may keep {email} from reading {name}", NOT_SEEN)
