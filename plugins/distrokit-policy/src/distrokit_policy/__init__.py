"""Telemetry policies: portable rules about which telemetry is kept, changed while the application runs."""
