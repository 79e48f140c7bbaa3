"""Keep what a run has looked at: a log excerpt, later a capture. It only reads, and never fails a run."""

from __future__ import annotations

import hashlib
import time

from remediation.engine.run import Run
from remediation.journal import artefacts
from remediation.model.api import Api
from remediation.model.artefacts import Collect
from remediation.model.errors import ApiError, Refused
from remediation.model.redaction import redacted

_DAY = 86400.0


def collect(run: Run, api: Api, index: int, step: Collect) -> str:
    """Keep an artefact beside the journal; returns why there is none, empty where there is one.

    What is too long keeps its end, which is what happened last.
    """
    now = time.time()
    artefacts.expire(run.journal, now)
    try:
        with api.patience.limited(step.within):
            content = redacted(step.artefact.read(api, step.most_bytes, step.within)).encode(errors="backslashreplace")
        kept = content[-step.most_bytes :]
        path = artefacts.keep(run.journal, run.id, index, step.artefact.file_name, kept)
    except (ApiError, Refused) as problem:
        return _missed(run, index, step, problem.summary)
    except OSError as problem:
        return _missed(run, index, step, f"it cannot be written: {problem.strerror}")
    about = {"file": str(path), "bytes": len(kept), "cut": len(content) > len(kept), "until": now + step.days * _DAY}
    run.note(artefacts.KEPT, {"index": index, "sha256": hashlib.sha256(kept).hexdigest()} | about)
    return ""


def _missed(run: Run, index: int, step: Collect, why: str) -> str:
    what = step.artefact.description
    run.note("artefact.missed", {"index": index, "check": what, "detail": why})
    return f"not collected: {what}: {why}"
