"""distrokit plugin: the standard configuration file (``OTEL_CONFIG_FILE``)."""
