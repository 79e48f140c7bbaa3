"""The journal: an append-only record of every run, chained by hashes and written ahead of every write."""

from remediation.journal.events import Event
from remediation.journal.protocol import Anchor, Audit, Journal, Lease, Leases, Summary
from remediation.journal.stores import newest, opened

__all__ = ["Anchor", "Audit", "Event", "Journal", "Lease", "Leases", "Summary", "newest", "opened"]
