"""A provider that the application or another SDK sets, before or after distrokit's."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from processes import instrumented, run

_SETTERS = {
    "Tracer": ("trace", "opentelemetry.sdk.trace", "trace.set_tracer_provider()"),
    "Meter": ("metrics", "opentelemetry.sdk.metrics", "metrics.set_meter_provider()"),
    "Logger": ("_logs", "opentelemetry.sdk._logs", "_logs.set_logger_provider()"),
}


@pytest.mark.parametrize("lazy", ["0", "1"])
@pytest.mark.parametrize("kind", _SETTERS)
def test_a_provider_that_comes_later_is_explained_in_one_line(receiver, tmp_path, kind, lazy):
    api, sdk, call = _SETTERS[kind]
    (tmp_path / "vendor.py").write_text(
        f"from opentelemetry import {api}\nfrom {sdk} import {kind}Provider\n"
        f"def init():\n    {api}.set_{kind.lower()}_provider({kind}Provider())\n"
    )
    program = """
        import vendor
        vendor.init()
        from opentelemetry import trace
        trace.get_tracer("shop").start_span("pay").end()
    """
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "DISTROKIT_LAZY": lazy}

    ran = instrumented(program, env, [tmp_path])

    assert ran.returncode == 0
    (line,) = ran.stderr.splitlines()
    assert f"{call} by vendor changes nothing" in line
    assert "is not allowed" not in ran.stderr
    assert [span.name for span in receiver.store.spans()] == ["pay"]


@pytest.mark.parametrize(("kind", "signal"), [("Tracer", "traces"), ("Meter", "metrics"), ("Logger", "logs")])
def test_a_provider_that_came_before_is_reported_and_left_alone(receiver, kind, signal):
    api, sdk, _ = _SETTERS[kind]
    program = f"""
        from opentelemetry import {api}, trace
        from {sdk} import {kind}Provider
        theirs = {kind}Provider()
        {api}.set_{kind.lower()}_provider(theirs)
        import distrokit
        distrokit.start()
        print({api}.get_{kind.lower()}_provider() is theirs)
        trace.get_tracer("shop").start_span("pay").end()
    """

    ran = run([sys.executable, "-c", dedent(program)], {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")})

    assert (ran.returncode, ran.stdout) == (0, "True\n"), ran.stderr
    (line,) = ran.stderr.splitlines()
    assert f"{signal}: the process already has a {sdk}" in line
    assert "it is kept; distrokit builds none for this signal" in line
    assert [span.name for span in receiver.store.spans()] == ([] if signal == "traces" else ["pay"])
