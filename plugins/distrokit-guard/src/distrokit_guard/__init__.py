"""Redacts, shrinks and bounds telemetry before it leaves the process."""
