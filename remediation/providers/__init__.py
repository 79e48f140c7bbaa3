"""One wing for each API; none knows another."""
