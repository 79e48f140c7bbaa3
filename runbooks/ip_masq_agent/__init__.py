"""NET-02 and NET-03."""
