"""Processors stand by stage, for all three signals, whatever plugins do."""

from __future__ import annotations

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from stage_parts import REPORTED, Keeping, report

from distrokit.pipeline.metric_stages import StagedMetrics
from distrokit.pipeline.stages import StagedLogs, StagedSpans
from distrokit.pipeline.suppressed import suppress_part
from distrokit.pipeline.transforms import Named, Transforms


@pytest.fixture(autouse=True)
def _nothing_reported():
    REPORTED.clear()


class Noting(SpanProcessor, LogRecordProcessor):
    """Writes down what it sees, and raises where it is told to."""

    def __init__(self, name, journal, raises=()):
        self.name, self.journal, self.raises = name, journal, raises

    def _note(self, what):
        self.journal.append(f"{self.name} {what}")
        if what.split(" ")[0] in self.raises:
            raise RuntimeError(what)

    def on_start(self, span, parent_context=None):
        self._note("start")

    def on_end(self, span):
        self._note(f"end {span.name}")

    def on_emit(self, log_record):
        self._note(f"emit {log_record.log_record.body}")

    def shutdown(self):
        self._note("shutdown")

    def force_flush(self, timeout_millis=30000):
        self._note("flush")
        return True


def renamed(name):
    def transform(span):
        return ReadableSpan(name=f"{span.name}+{name}", context=span.context, resource=span.resource)

    return transform


def spans_through(enrich=(), transforms=(), derive=()):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    staged = StagedSpans(
        [Named("enrich", p) for p in enrich],
        Transforms([Named("transform", t) for t in transforms], ReadableSpan, report),
        [Named("derive", p) for p in derive],
        [Named("export", SimpleSpanProcessor(exporter))],
        report,
    )
    provider.add_span_processor(staged)
    provider.get_tracer("t").start_span("s").end()
    return [span.name for span in exporter.get_finished_spans()], provider


def test_spans_go_through_the_stages_in_order():
    journal = []
    names, provider = spans_through(
        [Noting("enrich", journal)], [renamed("a"), renamed("b")], [Noting("derive", journal)]
    )

    assert names == ["s+a+b"]
    assert journal == ["enrich start", "derive start", "enrich end s", "derive end s+a+b"]
    assert provider.force_flush() is True
    provider.shutdown()
    assert journal[4:] == ["enrich flush", "derive flush", "enrich shutdown", "derive shutdown"]


def test_a_transform_drops_an_item_by_returning_none():
    journal = []

    names, _ = spans_through(transforms=[lambda span: None, renamed("never")], derive=[Noting("derive", journal)])

    assert names == []
    assert journal == ["derive start"]


def test_a_transform_that_raises_drops_the_item_and_the_application_never_knows():
    names, _ = spans_through(transforms=[lambda span: span.no_such_thing])

    assert names == []
    assert REPORTED[0][0] == "transform"


def test_a_transform_that_returns_no_item_is_the_one_that_is_named():
    names, _ = spans_through(transforms=[lambda span: True], derive=[Noting("derive", [])])

    assert names == []
    assert REPORTED == [("transform", "TypeError('it returned bool, not ReadableSpan')")]


@pytest.mark.parametrize(("count", "reports"), [(99, 0), (100, 1)])
def test_a_transform_that_drops_everything_is_reported_at_the_end(count, reports):
    def forgot_return(span):
        _ = span

    staged = StagedSpans([], Transforms([Named("t", forgot_return)], ReadableSpan, report), [], [], report)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(staged)
    for _ in range(count):
        provider.get_tracer("t").start_span("s").end()
    provider.shutdown()

    assert len(REPORTED) == reports
    assert all("it dropped all 100 items" in text for _, text in REPORTED)


@pytest.mark.parametrize("passing", ["first", "last"])
def test_a_transform_that_has_passed_one_item_is_not_reported(passing):
    staged = StagedSpans(
        [],
        Transforms([Named("t", lambda span: span if span.name == "kept" else None)], ReadableSpan, report),
        [],
        [],
        report,
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(staged)
    names = ["kept", *["dropped"] * 200]
    for name in names if passing == "first" else reversed(names):
        provider.get_tracer("t").start_span(name).end()
    provider.shutdown()

    assert REPORTED == []


def test_a_signal_handler_that_exits_while_a_transform_runs_is_obeyed():
    def struck(span):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        spans_through(transforms=[struck])


def test_other_parts_that_raise_cost_nothing():
    everything = ("start", "end", "flush", "shutdown")
    names, provider = spans_through([Noting("enrich", [], everything)], [], [Noting("derive", [], everything)])

    assert names == ["s"]
    assert provider.force_flush() is False
    provider.shutdown()
    assert [name for name, _ in REPORTED] == ["enrich", "derive"] * 4


def logs_through(enrich=(), transforms=(), derive=()):
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(
        StagedLogs(
            [Named("enrich", p) for p in enrich],
            Transforms([Named("transform", t) for t in transforms], ReadWriteLogRecord, report),
            [Named("derive", p) for p in derive],
            [Named("export", SimpleLogRecordProcessor(exporter))],
            report,
        )
    )
    provider.get_logger("l").emit(LogRecord(body="hello"))
    return [data.log_record.body for data in exporter.get_finished_logs()], provider


def shout(record):
    record.log_record.body = record.log_record.body.upper()
    return record


def test_logs_go_through_the_stages_in_order():
    journal = []

    bodies, provider = logs_through([Noting("enrich", journal)], [shout], [Noting("derive", journal)])

    assert bodies == ["HELLO"]
    assert journal == ["enrich emit hello", "derive emit HELLO"]
    assert provider.force_flush() is True
    provider.shutdown()
    assert journal[2:] == ["enrich flush", "derive flush", "enrich shutdown", "derive shutdown"]


def test_a_log_record_is_dropped_by_none_and_by_an_exception():
    assert logs_through(transforms=[lambda record: None])[0] == []
    assert logs_through(transforms=[lambda record: 1 / 0])[0] == []
    assert logs_through([Noting("enrich", [], ("emit",))])[0] == ["hello"]
    assert [name for name, _ in REPORTED] == ["transform", "enrich"]


def metrics_through(transforms=(), derive=(), **kwargs):
    exporter = Keeping(**kwargs)
    before = Transforms([Named("transform", t) for t in transforms], MetricsData, report)
    staged = StagedMetrics(before, [Named("derive", d) for d in derive], exporter, report)
    provider = MeterProvider([PeriodicExportingMetricReader(staged, 3_600_000)], shutdown_on_exit=False)
    counter = provider.get_meter("m").create_counter("c")
    counter.add(1)
    provider.force_flush()
    counter.add(2)
    provider.shutdown()
    values = [
        point.value
        for data in exporter.kept
        for group in data.resource_metrics
        for scoped in group.scope_metrics
        for metric in scoped.metrics
        for point in metric.data.data_points
    ]
    return values, exporter


def test_metrics_go_through_the_stages_and_keep_the_exporters_temporality():
    seen = []

    values, exporter = metrics_through(
        [lambda data: data], [seen.append], preferred_temporality={Counter: AggregationTemporality.DELTA}
    )

    assert values == [1, 2]
    assert all(isinstance(data, MetricsData) for data in seen)
    assert len(seen) == 2
    assert exporter.ended == ["flush", "shutdown"]


def test_metrics_are_dropped_by_none_and_by_an_exception():
    assert metrics_through([lambda data: None])[0] == []
    assert metrics_through([lambda data: 1 / 0])[0] == []
    assert metrics_through(derive=[lambda data: 1 / 0])[0] == [1, 3]
    assert {name for name, _ in REPORTED} == {"transform", "derive"}


def test_a_reader_without_stages_is_as_the_sdk_has_it():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("c").add(1)

    assert reader.get_metrics_data() is not None
    provider.shutdown()


def test_a_part_that_records_nothing_is_called_as_it_is():
    def computing(item):
        return item

    wrapped = suppress_part(computing)
    computing.records_nothing = True

    assert wrapped is not computing
    assert suppress_part(computing) is computing
