"""What a transform lost is counted: in the lines that sum up, and in the SDK's own metrics."""

from __future__ import annotations

from distributions import write_plugin
from peers import PEERS
from processes import instrumented, said

PLUGIN = """
    from distrokit import Processor, replace_span, hookimpl

    def redact(context):
        def span(item):
            if item.name == "bad":
                raise ValueError("it cannot be redacted")
            if item.name == "late":
                return replace_span(item, end_time="now")
            return item

        def log(item):
            return "nothing" if item.log_record.body == "bad" else item

        def points(data):
            raise KeyError("points")

        return {"traces": span, "logs": log, "metrics": points}[context.signal]

    @hookimpl
    def distrokit_processors():
        return [Processor("redact", SIGNALS, "transform", redact, **FOR)]
"""
PROGRAM = """
    from opentelemetry import metrics, trace
    from opentelemetry._logs import LogRecord, get_logger, get_logger_provider
    for name in ("good", "late", "bad", "bad"):
        trace.get_tracer("t").start_span(name).end()
        get_logger("l").emit(LogRecord(body=name))
    metrics.get_meter("m").create_counter("c").add(1)
    trace.get_tracer_provider().force_flush()
"""
RAISED = "dropped because transform processor redact (plugin redacting 1.0) failed"


def run(tmp_path, plugin, env=None):
    with PEERS["http/protobuf"]() as peer:
        path = write_plugin(tmp_path, "redacting", plugin)
        own = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        result = instrumented(PROGRAM, {**own, **(env or {})}, [path])
        assert result.returncode == 0, result.stderr
        return said(result), peer.ledger


def test_by_transform_and_reason(tmp_path):
    lines, _ = run(tmp_path, PLUGIN.replace("SIGNALS", '("traces", "logs", "metrics")').replace("FOR", "{}"))

    summed = [line for line in lines if RAISED in line]
    assert any("otlp traces: 3 spans lost" in line and f"2 {RAISED} (ValueError)" in line for line in summed), lines
    assert any(f"1 {RAISED} (TypeError)" in line for line in summed)
    assert any(f"otlp logs: 2 log records lost, {RAISED} (TypeError)" in line for line in summed)
    assert any("otlp metrics: 1 data point lost" in line and "(KeyError)" in line for line in summed)
    assert any("end_time must be int, not str" in line for line in lines)


def test_one_for_an_exporter_alone_and_the_metrics_of_the_sdk(tmp_path):
    plugin = PLUGIN.replace("SIGNALS", '("traces", "logs")').replace("FOR", '{"exporters": ("otlp",)}')
    lines, ledger = run(tmp_path, plugin, {"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"})

    assert any("otlp traces: 3 spans lost" in line for line in lines), lines
    for signal, errors in {"span": {"ValueError": 2, "TypeError": 1}, "log": {"TypeError": 2}}.items():
        for error, number in errors.items():
            name = f"otel.sdk.processor.{signal}.processed"
            assert ledger.total(name, **{"error.type": error}) == number
    exporters = [point for point in ledger.points if point.name.endswith(".exported")]
    assert not [point for point in exporters if "error.type" in point.attributes]
