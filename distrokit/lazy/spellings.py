"""Spellings in the environment, which a sleeping process and the settings read alike."""

#: Values of settings that are on or off, in lower case.
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")

#: The prefix of distrokit's settings as options of ``opentelemetry-instrument``, whose parser only takes variables that
#: begin with ``OTEL_``.
LAUNCHER_PREFIX = "OTEL_PYTHON_"
