"""How any API is reached: patience, locks, and secrets in memory."""
