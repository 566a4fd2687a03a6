"""The cheaper form of a measurement leads to what the SDK's own method leads to, and is used for known code only."""

from __future__ import annotations

import dataclasses
import functools
from types import FunctionType, MappingProxyType

import pytest
from odd_values import Text, Unprintable
from opentelemetry import context, trace
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider

from distrokit.pipeline.sdk_measurements import cheaper_method

KINDS = {
    "counter": ("create_counter", "add"),
    "up_down_counter": ("create_up_down_counter", "add"),
    "histogram": ("create_histogram", "record"),
    "gauge": ("create_gauge", "set"),
}


class Keys(dict):
    pass


PLAIN = {"text": "x", "number": 1, "real": 1.0, "flag": True, "none": None}
CASES = {
    "plain": [(1, PLAIN)],
    "equal and not the same": [(1, {"k": 1}), (2, {"k": 1.0}), (4, {"k": True}), (8, {"k": "1"})],
    "in another order": [(1, {"a": 1, "b": 2}), (2, {"b": 2, "a": 1})],
    "none": [(1, None), (2, {})],
    "bytes": [(1, {"k": b"x"})],
    "zero": [(0, PLAIN)],
    "negative": [(3, PLAIN), (-2, PLAIN)],
    "real": [(0.5, PLAIN), (1.25, PLAIN)],
    "not finite": [(float("nan"), PLAIN), (float("inf"), PLAIN), (float("-inf"), PLAIN)],
    "large": [(2**62, PLAIN), (2**63, PLAIN), (-(2**63), PLAIN)],
    "huge": [(10**400, PLAIN)],
    "a flag": [(True, PLAIN)],
    "no number": [("1", PLAIN), (None, PLAIN)],
    "a list": [(1, {"k": [1, 2], "l": "x"})],
    "nested": [(1, {"k": {"l": 1}})],
    "an empty key": [(1, {"": 1, "l": 2})],
    "a key of another type": [(1, {3: 1, "l": 2})],
    "an object": [(1, {"k": Unprintable(), "l": 2})],
    "a subclass of str": [(1, {Text("k"): Text("v")})],
    "a subclass of dict": [(1, Keys(k=1))],
    "read-only": [(1, MappingProxyType({"k": 1}))],
    "no mapping": [(1, ["k"]), (1, "k")],
}


def provider(**arguments):
    reader = InMemoryMetricReader()
    return MeterProvider([reader], shutdown_on_exit=False, **arguments), reader


def cheaper(instrument, name):
    found = cheaper_method(instrument, name, getattr(type(instrument), name))
    assert found is not None, "this release has other code: see distrokit/pipeline/sdk_measurements.py"
    return found


def outcome(measure, *args, **kwargs):
    try:
        measure(*args, **kwargs)
    except Exception as error:
        return type(error)
    return None


def collected(reader):
    """Everything but the times."""

    def parts(point):
        exemplars = [(e.value, e.filtered_attributes, e.span_id, e.trace_id) for e in point.exemplars]
        numbers = {
            name: getattr(point, name, None) for name in ("value", "sum", "count", "bucket_counts", "min", "max")
        }
        return repr((dict(point.attributes), numbers, exemplars))

    try:
        data = reader.get_metrics_data()
    except Exception as error:
        return type(error)
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
    return [(metric.name, type(metric.data).__name__, *map(parts, metric.data.data_points)) for metric in metrics]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_result_is_that_of_the_sdks_own_method(kind, case):
    create, name = KINDS[kind]
    results = []
    for use in (lambda instrument: getattr(instrument, name), lambda instrument: cheaper(instrument, name)):
        meters, reader = provider()
        measure = use(getattr(meters.get_meter("m"), create)("i"))
        outcomes = [outcome(measure, amount, attributes) for amount, attributes in CASES[case]]
        results.append((outcomes, collected(reader)))

    assert results[0] == results[1]
    if case == "plain":
        assert len(results[1][1]) == 1


@pytest.mark.parametrize("explicit", [False, True])
def test_views_exemplars_and_contexts_are_as_with_the_sdk(explicit):
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
    here = trace.set_span_in_context(span)
    results = []
    for use in (lambda instrument: instrument.add, lambda instrument: cheaper(instrument, "add")):
        view = View(instrument_name="i", attribute_keys={"kept"})
        meters, reader = provider(views=[view])
        measure = use(meters.get_meter("m").create_counter("i"))
        attributes = {"kept": 1, "left": "out"}
        token = context.attach(context.Context() if explicit else here)
        try:
            measure(1, attributes, here) if explicit else measure(1, attributes)
        finally:
            context.detach(token)
        attributes["kept"] = 2
        results.append(collected(reader))

    assert results[0] == results[1]
    assert str(span.get_span_context().span_id) in str(results[1])
    assert "'left': 'out'" in str(results[1])


def test_an_exemplar_has_the_attributes_of_its_time():
    results = []
    for use in (lambda instrument: instrument.add, lambda instrument: cheaper(instrument, "add")):
        view = View(instrument_name="i", attribute_keys=set())
        meters, reader = provider(views=[view], exemplar_filter=AlwaysOnExemplarFilter())
        attributes = {"k": "as it was"}
        use(meters.get_meter("m").create_counter("i"))(1, attributes)
        attributes["k"] = "later"
        results.append(collected(reader))

    assert results[0] == results[1]


def test_a_meter_that_is_disabled_later_records_nothing():
    meters, reader = provider()
    meter = meters.get_meter("m")
    counter = meter.create_counter("i")
    measure = cheaper(counter, "add")
    measure(1)
    meter._set_meter_config(dataclasses.replace(meter._meter_config._config, is_enabled=False))
    measure(1)

    assert "'value': 1," in str(collected(reader))


def test_a_reader_that_is_added_later_is_given_what_follows():
    meters, reader = provider()
    measure = cheaper(meters.get_meter("m").create_counter("i"), "add")
    measure(1)
    meters.add_metric_reader(later := InMemoryMetricReader())
    measure(2)

    assert "'value': 3," in str(collected(reader))
    assert "'value': 2," in str(collected(later))


# ------------------------------------------------------------------- code that is not known


@pytest.fixture
def counter():
    return provider()[0].get_meter("m").create_counter("i")


def test_a_patch_is_not_known(counter):
    sdk = type(counter).add

    @functools.wraps(sdk)
    def patched(self, *args, **kwargs):
        return sdk(self, *args, **kwargs)

    class Proxy:
        """As wrapt's: it says that it is the function."""

        __class__ = FunctionType
        __code__, __globals__ = sdk.__code__, sdk.__globals__

    assert cheaper_method(counter, "add", patched) is None
    assert cheaper_method(counter, "add", Proxy()) is None
    assert cheaper_method(counter, "add", sdk) is not None


def test_a_method_that_uses_another_name_is_not_known(counter):
    sdk = type(counter).add
    other = FunctionType(
        sdk.__code__.replace(co_names=(*sdk.__code__.co_names, "cardinality_limit")),
        sdk.__globals__,
        closure=sdk.__closure__,
    )

    assert cheaper_method(counter, "add", other) is None


def _with_more():
    @dataclasses.dataclass(frozen=True)
    class Measurement:
        value: float
        time_unix_nano: int
        instrument: object
        context: object
        attributes: object = None
        more: object = None

    return Measurement


def _with_work_to_do():
    @dataclasses.dataclass(frozen=True)
    class Measurement:
        value: float
        time_unix_nano: int
        instrument: object
        context: object
        attributes: object = None

        def __post_init__(self):
            print(self.value)

    return Measurement


class _Plain:
    pass


@pytest.mark.parametrize("other", [_with_more, _with_work_to_do, lambda: _Plain])
def test_another_class_of_measurements_is_not_known(monkeypatch, counter, other):
    sdk = type(counter).add
    monkeypatch.setitem(sdk.__globals__, "Measurement", other())

    assert cheaper_method(counter, "add", sdk) is None
