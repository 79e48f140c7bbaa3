"""The journal: an append-only, hash-chained record of every run, written ahead of every write."""

from remediation.journal.events import Event
from remediation.journal.sqlite import Journal
from remediation.journal.summaries import Summary

__all__ = ["Event", "Journal", "Summary"]
