"""What :func:`distrokit.testing.check_plugin` looks at, in the process that it starts for it.

Nothing here imports OpenTelemetry before the plugin was asked what it imports.
"""
