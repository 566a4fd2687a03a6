"""Code that patches the SDK's classes, whenever it does, has the effect that it has without distrokit."""

from __future__ import annotations

from processes import QUIET, instrumented

#: As sentry_sdk's OTLP integration does it, after the application has used everything once.
PATCHING = """
from unittest import mock
from opentelemetry import metrics, trace
from opentelemetry._logs import LogRecord, get_logger
from opentelemetry.sdk._logs import Logger
from opentelemetry.sdk.metrics import Counter, Histogram, Meter
from opentelemetry.sdk.trace import Span, Tracer

tracer, meter, logger = trace.get_tracer("t"), metrics.get_meter("m"), get_logger("l")
counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
early = tracer.start_span("early")

def use(span):
    span.set_attribute("k", 1)
    span.record_exception(ValueError("told"))
    counter.add(1)
    histogram.record(2)
    meter.create_counter("other")
    logger.emit(LogRecord(body="b"))
    tracer.start_span("late").end()

seen = []

def patch(kind, name):
    original = getattr(kind, name)

    def patched(self, *args, **kwargs):
        seen.append(name)
        return original(self, *args, **kwargs)

    setattr(kind, name, patched)

use(early)
NAMES = {
    "set_attribute": Span, "record_exception": Span, "add": Counter, "record": Histogram, "create_counter": Meter,
    "emit": Logger, "start_span": Tracer,
}
for name, kind in NAMES.items():
    patch(kind, name)
use(early)
print(seen == list(NAMES), seen)
"""
EVERYTHING = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "console"}


def test_a_patch_that_comes_late_has_its_effect():
    result = instrumented(PATCHING, EVERYTHING)

    assert result.stdout.splitlines()[0].startswith("True "), result.stdout + result.stderr


def test_what_a_patch_raises_stays_here_and_a_mock_is_called_as_the_method_is():
    program = """
        with mock.patch.object(Counter, "add") as add, mock.patch.object(Span, "set_attribute") as set_attribute:
            counter.add(1, {"k": 2})
            early.set_attribute("k", 3)
        print(add.call_args, set_attribute.call_args)

        def broken(self, *args, **kwargs):
            raise RuntimeError("a patch of somebody's")

        with mock.patch.object(Tracer, "start_span", broken), mock.patch.object(Counter, "add", broken):
            counter.add(1)
            with tracer.start_as_current_span("s"):
                print("goes on")
        counter.add(1)
    """
    preface = PATCHING.partition("seen = []")[0]
    result = instrumented(preface + program.replace("\n        ", "\n"), EVERYTHING)

    lines = result.stdout.splitlines()
    assert lines[:2] == ["call(1, {'k': 2}) call('k', 3)", "goes on"], result.stderr
    assert result.returncode == 0
    assert "distrokit: c.add(): RuntimeError: a patch of somebody's" in result.stderr


def test_a_class_that_was_patched_before_is_guarded_too():
    program = """
        import functools
        from opentelemetry.sdk.trace import Tracer
        original = Tracer.start_span
        Tracer.start_span = functools.wraps(original)(lambda self, *args, **kwargs: original(self, *args, **kwargs))
        from opentelemetry import trace
        trace.get_tracer("t").start_span([])
        print("goes on")
    """
    result = instrumented(program, {**QUIET, "OTEL_TRACES_EXPORTER": "console"})

    assert (result.returncode, result.stdout.splitlines()[0]) == (0, "goes on"), result.stderr
