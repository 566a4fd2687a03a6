"""Instrumentation scopes that are switched off: by file, and by upstream's configurators."""

from __future__ import annotations

import pytest
from distributions import write_distribution
from processes import QUIET, instrumented, said

PROGRAM = """
    from opentelemetry import metrics, trace
    from opentelemetry._logs import get_logger_provider
    for name in ("on", "off"):
        print(name, trace.get_tracer(name).start_span("s").is_recording(),
              type(metrics.get_meter(name)).__name__, type(get_logger_provider().get_logger(name)).__name__)
"""
MODULE = """
    class Config:
        def __init__(self, is_enabled):
            self.is_enabled = is_enabled

    def by_name(scope):
        return Config(scope.name != "off")

    def raises(scope):
        raise RuntimeError(scope.name)
"""
ON = {**QUIET, "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "console"}


@pytest.fixture
def path(tmp_path):
    points = {
        f"_opentelemetry_{kind}_configurator": {
            "mine": "acme_scopes:by_name",
            "bad": "acme_scopes:raises",
            "gone": "nowhere:x",
        }
        for kind in ("tracer", "meter", "logger")
    }
    folder = write_distribution(tmp_path, "acme-scopes", entry_points=points)
    (folder / "acme_scopes.py").write_text(__import__("textwrap").dedent(MODULE))
    return [folder]


def settings(name):
    return {f"OTEL_PYTHON_{kind}_CONFIGURATOR": name for kind in ("TRACER", "METER", "LOGGER")}


def scopes(result):
    return [line for line in result.stdout.splitlines() if line.startswith(("on ", "off "))]


def test_upstreams_configurators_switch_scopes_off(path):
    result = instrumented(PROGRAM, {**ON, **settings("MINE")}, path)

    assert said(result) == []
    assert scopes(result) == ["on True Meter Logger", "off False NoOpMeter NoOpLogger"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bad", ""),
        ("mien", "Did you mean 'mine'?"),
        ("gone", "ModuleNotFoundError: No module named 'nowhere'; every scope is enabled"),
    ],
)
def test_a_configurator_that_cannot_be_used_switches_nothing_off(path, name, says):
    result = instrumented(PROGRAM, {**ON, **settings(name)}, path)

    assert scopes(result) == ["on True Meter Logger", "off True Meter Logger"]
    lines = said(result)
    assert all(says in line for line in lines)
    assert len(lines) == {"bad": 0, "mien": 3, "gone": 1}[name]
