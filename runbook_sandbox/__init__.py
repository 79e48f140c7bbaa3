"""The embedded cluster and cloud; never imported by the engine."""
