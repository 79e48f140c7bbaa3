"""Plan, apply, verify and roll back. Knows resources, checks and the journal only by their protocols."""
