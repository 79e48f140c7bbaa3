"""Hold the locks of a run while a verb works on it; whoever held them before can add nothing to its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from remediation.engine.run import Run
from remediation.model.api import Api


@contextmanager
def locked(run: Run, api: Api, wait: float | None, tell: Callable[[str, float, float], None]) -> Iterator[None]:
    """Hold the locks of everything that a run writes, and read what other processes have done to it until then.

    Raises:
        Locked: another run is at work on one of its objects; nothing is recorded.
    """
    with api.locked(run.scopes, run.holder, wait, tell):
        epoch = run.journal.leases.next_epoch(run.id)
        if not run.fresh or epoch > 1:
            run.refresh()
        run.epoch = epoch
        api.lock_too(run.scopes, run.holder)
        yield
