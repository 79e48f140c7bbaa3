"""Pods that pull: why they fail, who makes them, and how they are made anew."""
