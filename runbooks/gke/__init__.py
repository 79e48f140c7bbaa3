"""Runbooks for GKE clusters."""
