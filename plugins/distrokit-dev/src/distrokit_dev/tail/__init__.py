"""``distrokit tail``: shows telemetry as it arrives."""
