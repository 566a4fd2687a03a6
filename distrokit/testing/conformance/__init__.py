"""The checks of :func:`distrokit.testing.check_plugin`, run in a separate process.

Nothing here imports OpenTelemetry before the plugin's own imports were recorded.
"""
