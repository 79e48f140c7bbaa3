"""Checks: read-only questions that a run waits for."""
