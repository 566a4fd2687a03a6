"""The bytes of our own encoder are those of OpenTelemetry's, for everything that it can encode; and better for the rest."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from generated_items import MANY, METRICS, RECORDS, SPANS, bounded, listed, span
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics.export import Gauge, Metric, NumberDataPoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Status, StatusCode

from distrokit_otlp.wire.logs import LogWriter
from distrokit_otlp.wire.metrics import MetricWriter
from distrokit_otlp.wire.repairs import Repairs
from distrokit_otlp.wire.spans import SpanWriter

#: One writer for all examples, so that its caches are full of other examples' values.
WRITE_SPANS, WRITE_LOGS, WRITE_METRICS = SpanWriter(Repairs()), LogWriter(Repairs()), MetricWriter(Repairs())


@MANY
@given(st.lists(SPANS, max_size=4), st.integers(0, 3))
def test_spans(spans, again):
    spans += spans[:again]
    assert WRITE_SPANS(spans) == encode_spans(spans).SerializeToString()
    assert WRITE_SPANS._repairs.counts == {}


@MANY
@given(st.lists(RECORDS, max_size=4))
def test_log_records(records):
    assert WRITE_LOGS(records) == encode_logs(records).SerializeToString()
    assert WRITE_LOGS._repairs.counts == {}


@MANY
@given(METRICS)
def test_metrics(data):
    assert WRITE_METRICS(data) == encode_metrics(data).SerializeToString()
    assert WRITE_METRICS._repairs.counts == {}


# ------------------------------------------------------------------- what upstream cannot encode


def sent(item):
    """The one span, as a receiver reads it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    repairs = Repairs()
    request = ExportTraceServiceRequest.FromString(SpanWriter(repairs)([item]))
    return request.resource_spans[0].scope_spans[0], repairs.counts


class Odd:
    def __str__(self):
        return "odd"


CYCLIC: list = []
CYCLIC.append(CYCLIC)


class Broken:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "field", "wanted"),
    [
        ("a\ud800b", "string_value", "a\\ud800b"),
        (2**63, "string_value", str(2**63)),
        (-(2**70), "string_value", str(-(2**70))),
        pytest.param(10**5000, "string_value", hex(10**5000), id="huge"),
        (Odd(), "string_value", "odd"),
        (Broken(), "string_value", "<Broken>"),
        ({1, 2}, "string_value", "{1, 2}"),
        (CYCLIC, "string_value", "[[...]]"),
    ],
)
def test_values_are_repaired(value, field, wanted):
    scope, counts = sent(span(attributes=bounded({"bad": value, "good": 1})))
    pairs = {pair.key: pair.value for pair in scope.spans[0].attributes}
    assert getattr(pairs["bad"], field) == wanted
    assert pairs["good"].int_value == 1
    assert sum(counts.values()) == 1


def test_names_and_times_are_repaired():
    bad = "x\udfff"
    scope, counts = sent(
        span(
            name=bad, start_time=-5, end_time=2**70, status=Status(StatusCode.ERROR, bad),
            attributes=bounded({bad: 1}), events=listed([Event(bad, bounded({}), 1.5)], 0),
            instrumentation_scope=InstrumentationScope(bad, bad),
        )
    )  # fmt: skip
    (found,) = scope.spans
    good = "x\\udfff"
    assert (found.name, found.status.message, found.attributes[0].key, found.events[0].name) == (good,) * 4
    assert (scope.scope.name, scope.scope.version) == (good, good)
    assert (found.start_time_unix_nano, found.end_time_unix_nano, found.events[0].time_unix_nano) == (0, 2**64 - 1, 1)
    assert Counter(counts) == {
        "a text with a lone surrogate, sent with an escape like \\ud800": 6,
        "a time outside of the range, sent as the nearest one in it": 2,
        "a time that is not a whole number, cut": 1,
    }


def test_names_that_are_no_texts():
    assert sent(span(name=None))[0].spans[0].name == ""
    scope, counts = sent(span(name=7))
    assert scope.spans[0].name == "7"
    assert counts == {"not a text, sent as str() shows it": 1}


def test_each_kind_of_repair_is_said_once(caplog):
    repairs = Repairs()
    write = SpanWriter(repairs)
    for number in range(5):
        write([span(attributes=bounded({"secret-key": f"hush{number}\ud800"}))])
    (line,) = caplog.messages
    assert line.startswith("attribute 'secret-key': a text with a lone surrogate")
    assert "hush" not in line


def test_measurements_over_64_bits():
    point = NumberDataPoint({}, 1, 2, 2**70, [])
    huge = NumberDataPoint({}, 1, 2, -(10**400), [])
    data = SimpleNamespace(resource_metrics=[SimpleNamespace(
        resource=Resource({}), scope_metrics=[SimpleNamespace(scope=InstrumentationScope("s"), metrics=[Metric("m", "", "", Gauge([point, huge]))])],
    )])  # fmt: skip
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest.FromString(MetricWriter(Repairs())(data))
    found = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    assert [one.as_double for one in found] == [float(2**70), float("-inf")]


def test_caches_stay_small():
    write = SpanWriter(Repairs())
    for number in range(3000):
        write([span(name=f"n{number}", attributes=bounded({"id": f"v{number}", f"k{number}": "x", "n": number}))])
    attributes = write._attributes
    assert len(attributes._texts) <= 1024
    assert len(attributes._texts.get("id", {})) <= 256
    assert len(attributes._numbers["n"]) <= 256
    assert len(write._names._known) <= 2048
    assert len(write._scopes._resources._known) <= 16
    assert len(write._scopes._scopes._known) <= 1024
