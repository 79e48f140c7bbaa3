"""The Secret with the credentials, and what goes with it."""
