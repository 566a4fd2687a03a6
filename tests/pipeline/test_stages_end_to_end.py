"""The stages in a real process: declared in any order, they run in the one that is right."""

from __future__ import annotations

from distributions import write_plugin
from processes import instrumented, said

PLUGIN = """
    from distrokit import Processor, hookimpl

    def enrich(context):
        if context.signal == "metrics":
            return lambda data: data
        from opentelemetry.sdk._logs import LogRecordProcessor
        from opentelemetry.sdk.trace import SpanProcessor

        class Spans(SpanProcessor):
            def on_start(self, span, parent_context=None):
                span.set_attribute("token", "geheim")

        class Logs(LogRecordProcessor):
            def on_emit(self, log_record):
                log_record.log_record.attributes = {**(log_record.log_record.attributes or {}), "token": "geheim"}
            def shutdown(self): pass
            def force_flush(self, timeout_millis=30000): return True

        return Spans() if context.signal == "traces" else Logs()

    def redact(context):
        from opentelemetry.sdk.trace import ReadableSpan

        def attributes(given):
            return {name: "****" if name == "token" else value for name, value in (given or {}).items()}

        def span(item):
            return ReadableSpan(name=item.name, context=item.context, parent=item.parent, resource=item.resource,
                                attributes=attributes(item.attributes), start_time=item.start_time,
                                end_time=item.end_time, instrumentation_scope=item.instrumentation_scope)

        def log(item):
            item.log_record.attributes = attributes(item.log_record.attributes)
            return item

        def metrics(data):
            for group in data.resource_metrics:
                for scoped in group.scope_metrics:
                    scoped.metrics[:] = [m for m in scoped.metrics if m.name != "secret"]
            return data

        return {"traces": span, "logs": log, "metrics": metrics}[context.signal]

    def derive(context):
        if context.signal == "metrics":
            return lambda data: print("metrics", len(data.resource_metrics[0].scope_metrics[0].metrics))
        from opentelemetry.sdk.trace import SpanProcessor

        class Counting(SpanProcessor):
            def on_end(self, span):
                print("span", dict(span.attributes))

        return Counting()

    @hookimpl
    def distrokit_processors():
        signals = ("traces", "metrics", "logs")
        return [
            Processor("count", ("traces", "metrics"), "derive", derive),
            Processor("redact", signals, "transform", redact),
            Processor("tag", signals, "enrich", enrich),
        ]
"""


def test_stages_for_all_three_signals(receiver, tmp_path):
    program = """
        import logging
        from opentelemetry import metrics, trace

        for name in ("secret", "open"):
            metrics.get_meter("m").create_counter(name).add(1)
        with trace.get_tracer("t").start_as_current_span("s"):
            logging.getLogger("l").warning("hello")
    """
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", PLUGIN)])

    assert said(result) == []
    assert result.stdout.splitlines() == ["span {'token': '****'}", "metrics 1"]
    (span,) = receiver.store.spans()
    assert (span.name, span.attributes) == ("s", {"token": "****"})
    (log,) = receiver.store.logs()
    assert log.attributes["token"] == "****"
    assert [point.name for point in receiver.store.points()] == ["open"]


def test_a_transform_that_raises_is_said_once_and_nothing_unredacted_leaves(receiver, tmp_path):
    source = """
        from distrokit import Processor, hookimpl

        def make(context):
            def redact(span):
                raise KeyError(span.name)
            return redact

        @hookimpl
        def distrokit_processors():
            return [Processor("redact", "traces", "transform", make)]
    """
    program = """
        from opentelemetry import trace
        for number in range(50):
            trace.get_tracer("t").start_span(f"s{number}").end()
    """
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    line, lost = result.stderr.splitlines()
    assert line.startswith("distrokit: transform processor redact (plugin acme 1.0): KeyError: 's0'")
    assert "otlp traces: 50 spans lost, dropped because transform processor redact" in lost
    assert receiver.store.spans() == []
