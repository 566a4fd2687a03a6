"""Limits of attribute sets: the first ones keep their points, all others share one, and sums stay exact."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter as Tally
from importlib.metadata import version
from textwrap import dedent

import pytest
from commands import in_process
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.metrics import Observation
from opentelemetry.sdk import metrics
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from plans import plugin
from releases import needs_yaml

import distrokit_guard.plugin
from distrokit import Instrument, Processor
from distrokit.testing import in_memory, instrumented, planned
from distrokit_guard.cardinality_parameters import limit_for

LIMIT, LIMITS = "DISTROKIT_GUARD_CARDINALITY_LIMIT", "DISTROKIT_GUARD_CARDINALITY_LIMITS"
GUARD = {"guard": distrokit_guard.plugin}
RELEASE = tuple(int(part) for part in version("opentelemetry-sdk").split(".")[:2])
OVERFLOW = (("otel.metric.overflow", True),)
DELTA = dict.fromkeys(
    (
        metrics.Counter,
        metrics.UpDownCounter,
        metrics.Histogram,
        metrics.ObservableCounter,
        metrics.ObservableUpDownCounter,
    ),
    AggregationTemporality.DELTA,
)


def limiting(limit, **more):
    return in_memory({**GUARD, **more}, {LIMIT: str(limit)})


def meter_of(telemetry):
    return telemetry.meter_provider.get_meter("m")


def add_reader(telemetry, *, delta=False):
    reader = InMemoryMetricReader(preferred_temporality=DELTA if delta else None)
    telemetry.pipeline.meter_provider.add_metric_reader(reader)
    return reader


def collect(reader):
    """What a collection has: by instrument, each attribute set with its value; of a histogram with its count."""
    data = reader.get_metrics_data()
    found = {}
    for metric in [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []:
        series = found.setdefault(metric.name, {})
        for point in metric.data.data_points:
            key = tuple(sorted(point.attributes.items()))
            assert key not in series
            series[key] = point.value if hasattr(point, "value") else (point.count, point.sum)
    return found


def points_of(reader, name):
    """The points of one instrument in a new collection."""
    data = reader.get_metrics_data()
    series = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
    return [point for metric in series if metric.name == name for point in metric.data.data_points]


def overflows(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "opentelemetry.sdk.distrokit_guard"]


# ----------------------------------------------------------------------- the instruments


def test_the_first_sets_keep_their_points_and_the_others_share_one():
    with limiting(3) as telemetry:
        cumulative, delta = add_reader(telemetry), add_reader(telemetry, delta=True)
        counter = meter_of(telemetry).create_counter("c")
        for number in range(10):
            counter.add(number, {"id": number})
        own = {(("id", number),): number for number in range(3)}
        expected = {"c": {**own, OVERFLOW: sum(range(3, 10))}}
        assert collect(cumulative) == collect(delta) == expected

        counter.add(100, {"id": 1})
        counter.add(1000, {"id": 5})
        counter.add(10_000, {"id": "new"})
        assert collect(delta) == {"c": {(("id", 1),): 100, OVERFLOW: 11_000}}
        assert collect(cumulative) == {"c": {**own, (("id", 1),): 101, OVERFLOW: 11_042}}


def test_as_many_sets_as_the_limit_do_not_overflow(caplog):
    with limiting(3) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for attributes in (None, {}, {"a": 1}, {"a": 1, "b": 2}, {"b": 2, "a": 1}):
            counter.add(1, attributes)
        counter.add(1)
        assert collect(reader) == {"c": {(): 3, (("a", 1),): 1, (("a", 1), ("b", 2)): 2}}
    assert overflows(caplog) == []


@pytest.mark.parametrize(
    ("kind", "method", "expected"),
    [
        ("counter", "add", 5 + 7),
        ("up_down_counter", "add", 5 + 7),
        ("histogram", "record", (2, 12)),
        ("gauge", "set", 7),
    ],
)
def test_each_kind_of_synchronous_instrument(kind, method, expected):
    with limiting(1) as telemetry:
        reader = add_reader(telemetry)
        instrument = getattr(meter_of(telemetry), f"create_{kind}")("i")
        for amount, key in ((3, "a"), (5, "b"), (7, "c")):
            getattr(instrument, method)(amount, attributes={"k": key})
        assert collect(reader) == {"i": {(("k", "a"),): (1, 3) if kind == "histogram" else 3, OVERFLOW: expected}}


@pytest.mark.parametrize("delta", [False, True])
@pytest.mark.parametrize("kind", ["counter", "up_down_counter"])
def test_sums_of_observable_instruments_stay_exact(kind, delta):
    values = dict.fromkeys("abcdef", 0)

    def observe(options):
        return [Observation(value, {"k": key}) for key, value in values.items()]

    with limiting(2) as telemetry:
        reader = add_reader(telemetry, delta=delta)
        getattr(meter_of(telemetry), f"create_observable_{kind}")(
            "o", [observe, lambda options: [Observation(9, {"k": "z"})]]
        )
        before = dict.fromkeys("abcdef", 0)
        for turn in range(1, 4):
            # Other sets first: those that have a point keep it.
            for key in reversed(values) if turn % 2 else values:
                values[key] += turn * (ord(key) - 90)
            found = collect(reader)["o"]
            now = {key: values[key] - (before[key] if delta else 0) for key in values}
            rest = sum(now[key] for key in "cdef") + (9 if turn == 1 or not delta else 0)
            assert found == {(("k", "a"),): now["a"], (("k", "b"),): now["b"], OVERFLOW: rest}
            before = dict(values)


def test_of_an_observable_gauge_the_last_observation_beyond_the_limit_remains():
    with limiting(2) as telemetry:
        reader = add_reader(telemetry)
        observed = [Observation(number, {"k": number}) for number in range(5)]
        meter_of(telemetry).create_observable_gauge("g", [lambda options: observed])
        for _ in range(2):
            assert collect(reader) == {"g": {(("k", 0),): 0, (("k", 1),): 1, OVERFLOW: 4}}


def test_each_instrument_has_a_limit_of_its_own():
    with limiting(2) as telemetry:
        reader, meter = add_reader(telemetry), meter_of(telemetry)
        other = telemetry.meter_provider.get_meter("other")
        for instrument in (meter.create_counter("a"), meter.create_counter("b"), other.create_counter("c")):
            for number in range(3):
                instrument.add(1, {"k": number})
        # The same one again.
        meter.create_counter("a").add(1, {"k": "new"})
        found = collect(reader)

    assert {name: len(series) for name, series in found.items()} == {"a": 3, "b": 3, "c": 3}
    assert found["a"][OVERFLOW] == 2


def test_values_that_python_takes_for_equal_are_different_sets():
    values = [1, 1.0, True, "1", b"1", None, [1], [True], (1, "a"), ("1", "a"), {"a": 1}, {"a": True}]
    with limiting(len(values)) as telemetry:
        counter = meter_of(telemetry).create_counter("c")
        admitted = []
        for value in values * 2:
            counter.add(1, {"k": value})
            admitted.append(value)
        counter.add(7, {"k": "new"})
        reader = add_reader(telemetry)
        counter.add(1, {"k": "new"})
        assert collect(reader) == {"c": {OVERFLOW: 1}}


def test_an_attribute_that_cannot_be_hashed_or_shown_costs_its_own_measurement_only():
    class Unhashable:
        __hash__ = None

        def __str__(self):
            return "unhashable"

    with limiting(1) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        counter.add(1, {"k": "a"})
        for value in ([[]], {"a": [1]}, {1, 2}, Unhashable(), object(), bytearray(b"a")):
            counter.add(1, {"k": value})
        assert collect(reader) == {"c": {(("k", "a"),): 1, OVERFLOW: 6}}


def test_an_overflow_of_the_application_itself_takes_no_place():
    with limiting(1) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        counter.add(1, {"otel.metric.overflow": True})
        counter.add(2, {"k": 1})
        counter.add(4, {"k": 2})
        assert collect(reader) == {"c": {OVERFLOW: 5, (("k", 1),): 2}}


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(
    st.sampled_from(["x", "y", "", 0, 1, True, False, 1.0, -1, -2, None, b"x", 0.0, -0.0]),
    st.integers(-3, 3),
)
if RELEASE >= (1, 45):
    # Earlier ones refuse what has no hash.
    VALUES |= st.lists(st.sampled_from(["x", 1, True, None]), max_size=2)
STEPS = st.lists(
    st.one_of(st.tuples(st.integers(0, 9), st.dictionaries(KEYS, VALUES, max_size=3)), st.none()), max_size=60
)


@given(STEPS, st.integers(1, 6))
@settings(max_examples=40)
def test_whatever_is_measured_sums_are_exact_and_points_are_few(steps, limit):
    with limiting(limit) as telemetry:
        cumulative, delta = add_reader(telemetry), add_reader(telemetry, delta=True)
        counter, histogram = meter_of(telemetry).create_counter("c"), meter_of(telemetry).create_histogram("h")
        total = count = in_deltas = 0
        for step in [*steps, None]:
            if step is None:
                points = points_of(delta, "c")
                in_deltas += sum(point.value for point in points)
                assert len(points) <= limit + 1
                continue
            amount, attributes = step
            counter.add(amount, attributes)
            histogram.record(amount, attributes)
            total, count = total + amount, count + 1
        sums, histograms = points_of(cumulative, "c"), points_of(cumulative, "h")

    assert sum(point.value for point in sums) == in_deltas == total
    assert sum(point.count for point in histograms) == count
    for points in (sums, histograms):
        assert len([point for point in points if dict(point.attributes) != dict(OVERFLOW)]) <= limit


TEXTS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcdefgh"), st.sampled_from("xy")), max_size=60)


@given(TEXTS, st.integers(1, 8))
@settings(max_examples=40)
def test_the_sets_that_were_seen_first_have_the_points(measured, limit):
    expected, first = Tally(), list(dict.fromkeys((a, b) for _, a, b in measured))[:limit]
    for amount, a, b in measured:
        expected[(("a", a), ("b", b)) if (a, b) in first else OVERFLOW] += amount
    with limiting(limit) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for amount, a, b in measured:
            # In any order.
            counter.add(amount, {"a": a, "b": b} if amount % 2 else {"b": b, "a": a})
        assert collect(reader).get("c", {}) == dict(expected)


# ------------------------------------------------------------------------ views, readers


def viewing(*views):
    return plugin(distrokit_views=lambda: views)


def test_sets_are_counted_after_a_views_attribute_keys_and_the_overflow_stays_marked():
    view = {
        "selector": {"instrument_name": "c"},
        "stream": {"attribute_keys": {"included": ["k*"], "excluded": ["key"]}},
    }
    with limiting(2, views=viewing(view)) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for number in range(100):
            counter.add(1, {"k": number % 2, "id": number, "key": number})
        assert collect(reader) == {"c": {(("k", 0),): 50, (("k", 1),): 50}}
        counter.add(7, {"k": 2, "id": 1})
        counter.add(8)
        assert collect(reader) == {"c": {(("k", 0),): 50, (("k", 1),): 50, OVERFLOW: 15}}


def test_a_view_that_excludes_everything_has_one_point():
    view = {"selector": {"instrument_name": "*"}, "stream": {"attribute_keys": {"excluded": ["*"]}}}
    with limiting(1, views=viewing(view)) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for number in range(9):
            counter.add(1, {"id": number})
        assert collect(reader) == {"c": {(): 9}}


def test_the_limit_of_a_view_is_stronger_than_settings(caplog):
    view = {"selector": {"instrument_name": "c"}, "stream": {"aggregation_cardinality_limit": 2}}
    with in_memory({**GUARD, "views": viewing(view)}, {LIMITS: "c=5,d=1"}) as telemetry:
        reader, meter = add_reader(telemetry), meter_of(telemetry)
        for name in ("c", "d"):
            for number in range(9):
                meter.create_counter(name).add(1, {"k": number})
        found = collect(reader)
        assert telemetry.problems == []

    assert {name: len(series) - 1 for name, series in found.items()} == {"c": 2, "d": 1}
    ofc, ofd = overflows(caplog)
    assert ofc.endswith("with a view's attribute_keys, or raise the view's aggregation_cardinality_limit.")
    assert ofd.endswith(f"with a view's attribute_keys, or set {LIMITS}=d=2.")


def test_each_stream_of_several_views_keeps_to_its_limit():
    by_id = {"name": "by_id", "attribute_keys": {"included": ["id"]}, "aggregation_cardinality_limit": 5}
    by_kind = {"name": "by_kind", "attribute_keys": {"included": ["kind"]}, "aggregation_cardinality_limit": 2}
    dropped = {"name": "dropped", "aggregation": {"drop": {}}, "aggregation_cardinality_limit": 1}
    views = [{"selector": {"instrument_name": "c"}, "stream": stream} for stream in (by_id, by_kind, dropped)]
    with in_memory({**GUARD, "views": viewing(*views)}) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        # 5 ids and 2 kinds, which are 10 sets: no stream is full.
        for number in range(10):
            counter.add(1, {"id": number % 5, "kind": number % 2})
        found = collect(reader)
        assert [len(found["by_id"]), len(found["by_kind"])] == [5, 2]
        assert OVERFLOW not in found["by_id"] | found["by_kind"]
        # A measurement that one stream cannot take has its attributes in none.
        counter.add(7, {"id": 9, "kind": 1})
        found = collect(reader)

    assert found["by_id"][OVERFLOW] == found["by_kind"][OVERFLOW] == 7
    assert sum(found["by_id"].values()) == sum(found["by_kind"].values()) == 17


def test_an_instrument_whose_views_all_drop_it_is_not_filtered():
    view = {"selector": {"instrument_name": "c"}, "stream": {"aggregation": {"drop": {}}}}
    with limiting(1, views=viewing(view)) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for number in range(3):
            counter.add(1, {"k": number})
        assert collect(reader) == {}


FILE = """
    file_format: "1.1"
    meter_provider:
      readers:
        - periodic:
            cardinality_limits: {default: 4, counter: 3, observable_gauge: 2}
            exporter: {console: }
        - periodic:
            cardinality_limits: {counter: 2}
            exporter: {console: }
        - periodic:
            exporter: {console: }
"""


def filed(tmp_path, text=FILE):
    (tmp_path / "otel.yaml").write_text(dedent(text))
    return {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")}


@needs_yaml
def test_the_limits_of_readers_in_a_file_are_kept_and_the_smallest_counts(tmp_path):
    with in_memory(GUARD, filed(tmp_path), installed=True) as telemetry:
        reader, meter = add_reader(telemetry), meter_of(telemetry)
        observed = [Observation(1, {"k": number}) for number in range(9)]
        meter.create_observable_gauge("g", [lambda options: observed])
        for number in range(9):
            meter.create_counter("c").add(1, {"k": number})
            meter.create_histogram("h").record(1, {"k": number})
        found = collect(reader)
        assert telemetry.problems == []

    assert {name: len(series) - 1 for name, series in found.items()} == {"c": 2, "h": 4, "g": 2}
    assert found["c"][OVERFLOW] == 7


@needs_yaml
def test_a_file_with_limits_selects_the_processor_and_shows_it(tmp_path):
    env = filed(tmp_path)
    shown = in_process("explain", env=env, cwd=tmp_path)
    assert "metrics  resource → cardinality → periodic → console" in shown.stdout
    assert "limit = 2000" in shown.stdout
    assert "reader_limits = [{'default': 4, 'counter': 3, 'observable_gauge': 2}, {'counter': 2}]" in shown.stdout
    assert "none" in shown.stdout.partition("problems")[2]


@needs_yaml
def test_the_limits_of_a_reader_that_is_scraped_are_kept_too(tmp_path):
    text = """
        file_format: "1.1"
        meter_provider:
          readers:
            - pull:
                cardinality_limits: {default: 7}
                exporter: {prometheus/development: }
    """
    plan = planned(GUARD, filed(tmp_path, text), installed=True)
    (component,) = plan.signals["metrics"].at("measure")
    assert component.arguments["reader_limits"] == [{"default": 7}]
    assert plan.problems == []


@needs_yaml
def test_readers_that_code_replaces_have_no_limits(tmp_path):
    from distrokit.testing.planning import assemble

    replaced = {"OTEL_METRICS_EXPORTER": "otlp"}
    plan = assemble(GUARD, filed(tmp_path), installed=True, settings=replaced).plan
    assert plan.signals["metrics"].at("measure") == []


@needs_yaml
def test_a_file_that_was_shown_has_the_limits_again(tmp_path):
    import json

    from distrokit.plan.model_writer import model_of

    plan = planned(GUARD, filed(tmp_path), installed=True)
    model = model_of(plan)
    assert [next(iter(reader.values())).get("cardinality_limits") for reader in model["meter_provider"]["readers"]] == [
        {"default": 4, "counter": 3, "observable_gauge": 2},
        {"counter": 2},
        None,
    ]
    again = planned(GUARD, filed(tmp_path, json.dumps(model)), installed=True)
    (component,) = again.signals["metrics"].at("measure")
    (before,) = plan.signals["metrics"].at("measure")
    assert component.arguments == before.arguments
    assert again.problems == []


@needs_yaml
def test_without_the_plugin_the_limits_are_reported_with_what_to_install(tmp_path):
    plan = planned(None, {**filed(tmp_path), "DISTROKIT_DISABLED_PLUGINS": "guard"}, installed=True)
    assert plan.signals["metrics"].at("measure") == []
    assert [str(problem) for problem in plan.problems] == [
        f"{tmp_path}/otel.yaml:{line}:9 cardinality_limits: OpenTelemetry Python does not support it; it has no effect. "
        "Plugins that are installed but not loaded: guard (DISTROKIT_DISABLED_PLUGINS has 'guard')."
        for line in (6, 9)
    ]


@needs_yaml
@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("{counter: many}", "counter"),
        ("{counter: 0}", "counter"),
        ("{countre: 5}", "Did you mean 'counter'?"),
        ("5", "cardinality_limits"),
    ],
)
def test_a_wrong_limit_in_a_file_costs_itself(tmp_path, limits, says):
    text = FILE.replace("{counter: 2}", limits)
    plan = planned(GUARD, filed(tmp_path, text), installed=True)

    (component,) = plan.signals["metrics"].at("measure")
    assert component.arguments["reader_limits"][0] == {"default": 4, "counter": 3, "observable_gauge": 2}
    assert {} in [*component.arguments["reader_limits"][1:], {}]
    (problem,) = plan.problems
    assert "otel.yaml:9:" in str(problem)
    assert says in str(problem)


def test_limits_of_readers_that_no_schema_has_checked_are_checked():
    """A configuration may come from any plugin."""
    from distrokit import Reader, Settings, Source, Value
    from distrokit_guard.cardinality_parameters import cardinality_parameters

    at = Source("file", "otel.json:1:1")
    limits = {"counter": "7", "gauge": True, "histogram": 0, "timer": 5, "default": None, "observable_gauge": 8}
    nodes = [Value({key: Value(value, at) for key, value in limits.items()}, at), Value("all", at)]
    reader = Reader(
        Settings.from_environ({}), "guard", "metrics", "cardinality",
        properties=Value({"reader_limits": Value(nodes, at)}, at),
    )  # fmt: skip

    assert cardinality_parameters(reader)["reader_limits"].value == [{"observable_gauge": 8}, {}]
    assert [problem.subject for problem in reader.problems] == [
        f"otel.json:1:1 {key}" for key in ("counter", "gauge", "histogram", "timer", "cardinality_limits")
    ]
    assert all(problem.outcome == "this limit does not apply; the others do" for problem in reader.problems)


# --------------------------------------------------------------------- settings, the plan


def measuring(environ):
    return planned(GUARD, environ).signals["metrics"].at("measure")


def test_it_is_off_until_a_setting_of_the_guard_is_set():
    assert measuring({}) == []
    (component,) = measuring({LIMITS: "jobs=5"})
    assert component.arguments == {"limit": 2000, "limits": {"jobs": 5}}


def test_zero_turns_the_limit_off_and_nothing_filters():
    assert [component.name for component in measuring({LIMIT: "0"})] == ["cardinality"]
    with limiting(0) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        assert (
            telemetry.pipeline.meter_provider.measuring.stage.filter_of("counter", "c", "", meter_of(telemetry)) is None
        )
        for number in range(3000):
            counter.add(1, {"k": number})
        assert len(collect(reader)["c"]) == 3000


def test_two_thousand_is_the_default():
    with in_memory(GUARD, {LIMITS: "other=1"}) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for number in range(2100):
            counter.add(1, {"k": number})
        found = collect(reader)["c"]
    assert len(found) == 2001
    assert found[OVERFLOW] == 100


@pytest.mark.parametrize(
    ("name", "kind", "view", "arguments", "limit"),
    [
        ("jobs", "counter", None, {}, 9),
        ("jobs", "counter", None, {"limits": {"j*": 5, "*": 6, "jobs": 7}}, 7),
        ("jobs", "counter", None, {"limits": {"j*": 5, "*": 6}}, 5),
        ("sales", "counter", None, {"limits": {"j*": 5, "*": 6}}, 6),
        ("jobs", "counter", None, {"limits": {"jobs": 0}}, 0),
        ("jobs", "counter", None, {"reader_limits": [{"counter": 3}]}, 3),
        ("jobs", "gauge", None, {"reader_limits": [{"counter": 3}]}, 9),
        ("jobs", "gauge", None, {"reader_limits": [{"counter": 3, "default": 100}]}, 100),
        ("jobs", "counter", None, {"reader_limits": [{"counter": 30}, {}, {"default": 20}]}, 20),
        ("jobs", "counter", None, {"reader_limits": [{"counter": 3}], "limits": {"jobs": 7}}, 7),
        ("jobs", "counter", {"stream": {"aggregation_cardinality_limit": 8}}, {"limits": {"jobs": 7}}, 8),
        ("jobs", "counter", {"stream": None}, {"limits": {"jobs": 7}}, 7),
    ],
)
def test_which_limit_applies(name, kind, view, arguments, limit):
    assert limit_for(Instrument(name, kind), view, {"limit": 9, **arguments}) == limit


@pytest.mark.parametrize(
    ("environ", "subject", "outcome"),
    [
        ({LIMIT: "many"}, f"{LIMIT}=many", "2000 is used instead"),
        ({LIMIT: "-1"}, f"{LIMIT}=-1", "2000 is used instead"),
        ({LIMIT: "1.5"}, f"{LIMIT}=1.5", "2000 is used instead"),
        ({LIMITS: "jobs"}, f"{LIMITS}=jobs", "this limit does not apply; the others do"),
        ({LIMITS: "sales=4,jobs=-1"}, f"{LIMITS}=jobs=-1", "this limit does not apply; the others do"),
        ({LIMITS: "=5,sales=4"}, f"{LIMITS}==5", "this limit does not apply; the others do"),
        ({LIMITS: "jobs=99999999999"}, f"{LIMITS}=jobs=99999999999", "this limit does not apply; the others do"),
        ({LIMITS: "jobs=²"}, f"{LIMITS}=jobs=²", "this limit does not apply; the others do"),
    ],
)
def test_a_wrong_limit_costs_itself(environ, subject, outcome):
    plan = planned(GUARD, environ)

    (problem,) = [problem for problem in plan.problems if problem.code != "no-exporter"]
    assert (problem.code, problem.subject, problem.outcome) == ("setting-invalid", subject, outcome)
    assert problem.remedy
    (component,) = plan.signals["metrics"].at("measure")
    assert component.arguments["limit"] == 2000
    assert component.arguments.get("limits", {}) == ({"sales": 4} if "sales" in str(environ) else {})


def test_a_redactor_of_another_plugin_runs_before_it():
    def redacting(context):
        return lambda instrument: lambda attributes: {key: v for key, v in (attributes or {}).items() if key != "email"}

    redactor = plugin(distrokit_processors=lambda: [Processor("redact", "metrics", "measure", redacting)])
    with limiting(2, redactor=redactor) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for number in range(9):
            counter.add(1, {"email": f"{number}@b.c", "k": number % 2})
        assert collect(reader) == {"c": {(("k", 0),): 5, (("k", 1),): 4}}


@needs_yaml
def test_the_guards_own_redaction_runs_before_it_also_with_limits_of_a_file(tmp_path):
    environ = {**filed(tmp_path), "DISTROKIT_GUARD_REDACT": "emails"}
    with in_memory(GUARD, environ, installed=True) as telemetry:
        planned_filters = telemetry.plan.signals["metrics"].at("measure")
        assert [component.name for component in planned_filters] == ["guard-redact-measurements", "cardinality"]
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        for number in range(9):
            counter.add(1, {"user": f"{number}@example.com"})
        (series,) = collect(reader)["c"].items()
    assert "@" not in str(series)
    assert series[1] == 9


# ------------------------------------------------------------------------- the report


def test_one_line_names_the_instrument_the_attribute_and_the_remedy(caplog):
    with caplog.at_level(logging.WARNING), limiting(1000) as telemetry:
        counter = meter_of(telemetry).create_counter("Jobs")
        for number in range(5000):
            counter.add(1, {"method": "GET", "user.id": number, "minute": number // 60})
    (line,) = overflows(caplog)
    assert line == (
        "metrics: jobs (m) has more than 1,000 attribute sets; attribute user.id has the most values (1,001); "
        "measurements with new sets are recorded with otel.metric.overflow=true. "
        f"Exclude attributes with a view's attribute_keys, or set {LIMITS}=jobs=2000."
    )


def test_the_line_never_has_values(caplog):
    with limiting(1) as telemetry:
        counter = meter_of(telemetry).create_counter("c")
        for value in ("a@b.c", "d@e.f"):
            counter.add(1, {"email": value})
    (line,) = overflows(caplog)
    assert "@" not in line


def test_in_a_real_process_the_line_is_printed_once_and_sums_arrive():
    program = """
        import os
        from opentelemetry import metrics
        meter = metrics.get_meter("shop")
        counter = meter.create_counter("sales")
        for number in range(50_000):
            counter.add(1, {"user": number})
        if os.fork() == 0:
            # A child begins anew.
            for number in range(100_000, 100_007):
                counter.add(1, {"user": number, "child": True})
            raise SystemExit
        os.wait()
        counter.add(3, {"user": 7})
    """
    # Python warns of a fork beside threads.
    ran = instrumented(program, {LIMIT: "100", "PYTHONWARNINGS": "ignore"})

    (line,) = ran.stderr.splitlines()
    assert line.startswith(
        "opentelemetry.sdk.distrokit_guard: metrics: sales (shop) has more than 100 attribute sets; "
        "attribute user has the most values (101)"
    )
    found = {tuple(metric.attributes.items()): metric.value for metric in ran.metrics}
    children = {key: value for key, value in found.items() if ("child", True) in key}
    assert len(children) == 7
    assert sum(children.values()) == 7
    mine = {key: value for key, value in found.items() if key not in children}
    assert len(mine) == 101
    assert sum(mine.values()) == 50_003
    assert found[(("user", 7),)] == 4
    assert found[OVERFLOW] == 49_900


# ---------------------------------------------------------------------- threads and forks


def test_threads_lose_nothing_and_never_exceed_the_limit():
    with limiting(50) as telemetry:
        reader, counter = add_reader(telemetry), meter_of(telemetry).create_counter("c")
        ready = threading.Barrier(8)

        def work(offset):
            ready.wait()
            for number in range(2000):
                counter.add(1, {"k": (number * 7 + offset) % 200})

        threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = collect(reader)["c"]

    assert sum(found.values()) == 16_000
    assert len(found.keys() - {OVERFLOW}) == 50
    # Each set is measured 80 times, and one that has a point has all of them.
    assert set(found.values()) - {found[OVERFLOW]} == {80}


def test_a_child_of_a_fork_in_the_middle_of_a_measurement_goes_on():
    """Another thread of the parent holds the lock of the instrument when it forks."""
    held, go_on, locks = threading.Event(), threading.Event(), []

    class Slow(str):
        """Has the hash of others, so that it is compared, with the lock, too."""

        __slots__ = ()

        def __hash__(self):
            return 1

        def __eq__(self, other):
            if any(lock.locked() for lock in locks) and not held.is_set():
                held.set()
                go_on.wait(10)
            return self is other

    with limiting(5) as telemetry:
        counter = meter_of(telemetry).create_counter("c")
        counter.add(1, {"k": Slow("a")})
        (part,) = telemetry.pipeline.meter_provider.measuring.stage._parts
        (limited,) = part.part.args[0]._limited
        locks.append(limited._lock)
        thread = threading.Thread(target=counter.add, args=(1, {"k": Slow("b")}))
        thread.start()
        assert held.wait(10)
        pid = os.fork()
        if pid == 0:
            child = threading.Thread(target=lambda: [counter.add(1, {"k": number}) for number in range(9)], daemon=True)
            child.start()
            child.join(10)
            os._exit(1 if child.is_alive() else len(limited._streams[0].known))
        go_on.set()
        thread.join(10)
        _, status = os.waitpid(pid, 0)
    # As many sets as the limit, and none of the parent's.
    assert os.waitstatus_to_exitcode(status) == 5
