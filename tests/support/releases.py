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
