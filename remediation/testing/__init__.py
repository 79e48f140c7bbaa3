"""What authors of runbooks import in their tests."""
