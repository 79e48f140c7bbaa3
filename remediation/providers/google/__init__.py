"""The Google wing: client, facts, checks, policies."""
