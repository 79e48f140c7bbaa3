"""Runbooks for Google Cloud projects."""
