"""The catalogue: one file is one runbook."""
