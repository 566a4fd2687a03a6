"""What not every supported release of OpenTelemetry has."""

from __future__ import annotations

import importlib.util

import pytest

needs_yaml = pytest.mark.skipif(
    not importlib.util.find_spec("distrokit_yaml"), reason="the schema is a package from OpenTelemetry 1.44 on"
)
needs_json = pytest.mark.skipif(
    not importlib.util.find_spec("opentelemetry.exporter.otlp.json"),
    reason="there are no JSON exporters for this release",
)


def skip_without(module: str) -> None:
    """Skip the test where a module is not installed; the module is not imported into the tests' own process.

    An import there would stay: doctor, for one, sees gevent among the modules of its own process.
    """
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
