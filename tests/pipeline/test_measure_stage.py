"""The stage ``measure``: filters of the attributes of measurements, before the SDK aggregates them."""

from __future__ import annotations

import json
from types import MappingProxyType
from unittest import mock

import pytest
from opentelemetry import metrics
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from plans import plugin
from stage_parts import Keeping

from distrokit import Exporter, Instrument, Processor
from distrokit.pipeline.measure_stage import MeasureStage
from distrokit.pipeline.meter_boundary import MeterBoundary
from distrokit.pipeline.scopes import ScopedMeterProvider
from distrokit.pipeline.transforms import Named
from distrokit.plan.selection.views import selects
from distrokit.plugins.validation import HookError, validate
from distrokit.testing import in_memory, instrumented

METHODS = {"counter": "add", "up_down_counter": "add", "histogram": "record", "gauge": "set"}
OBSERVABLE = ("counter", "up_down_counter", "gauge")


def without_secret(attributes):
    if not attributes or "secret" not in attributes:
        return attributes
    return {key: value for key, value in attributes.items() if key != "secret"}


def filtering(*filters, seen=None, **more):
    """A plugin with a processor for each filter; the instruments are noted in ``seen``."""

    def make(keep):
        def of(instrument):
            if seen is not None:
                seen.append(instrument)
            return keep

        return lambda context: of

    processors = [Processor(f"f{at}", "metrics", "measure", make(keep)) for at, keep in enumerate(filters)]
    return plugin(distrokit_processors=lambda: processors, **more)


def points(telemetry):
    return {(metric.name, *sorted((metric.attributes or {}).items())): metric.value for metric in telemetry.metrics()}


@pytest.fixture
def boundary():
    """A meter of a provider with a filter, its reader, what was reported, and what was said at the end."""
    reader, reported, said = InMemoryMetricReader(), [], []
    provider = ScopedMeterProvider([reader], shutdown_on_exit=False)
    provider.measuring = MeterBoundary(lambda *args: reported.append(args), lambda: None, said.append)
    provider.measuring.reader(reader)
    part = Named("measure processor f (plugin p)", lambda instrument: without_secret)
    provider.measuring.stage = MeasureStage([part], [], lambda *args: reported.append(args), said.append)
    yield provider.get_meter("m"), reader, reported
    provider.shutdown()


def values(reader):
    data = reader.get_metrics_data()
    series = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
    return {(m.name, *sorted(p.attributes.items())): p.value for m in series for p in m.data.data_points}


# ------------------------------------------------------------------------- instruments


@pytest.mark.parametrize("kind", METHODS)
def test_a_filter_changes_what_a_synchronous_instrument_records(kind):
    seen = []
    with in_memory({"p": filtering(without_secret, seen=seen)}) as telemetry:
        meter = telemetry.meter_provider.get_meter("shop", "1.0")
        instrument = getattr(meter, f"create_{kind}")("Sales", unit="EUR")
        for attributes in ({"secret": "a", "k": 1}, {"secret": "b", "k": 1}, {"k": 2}):
            getattr(instrument, METHODS[kind])(5, attributes)
        getattr(instrument, METHODS[kind])(5, attributes={"secret": "c"})
        getattr(instrument, METHODS[kind])(5)

        found = points(telemetry)

    last = kind == "gauge"
    assert found == {("sales", ("k", 1)): 5 if last else 10, ("sales", ("k", 2)): 5, ("sales",): 5 if last else 10}
    assert seen == [Instrument("sales", kind, "EUR", "shop")]


@pytest.mark.parametrize("kind", OBSERVABLE)
def test_a_filter_changes_what_an_observable_instrument_observes(kind):
    """Observations with equal attributes, of several callbacks too, are summed by the SDK; of a gauge the last counts."""
    seen = []

    def generated():
        options = yield
        while True:
            options = yield [Observation(100, {"secret": options.timeout_millis})]

    with in_memory({"p": filtering(without_secret, seen=seen)}) as telemetry:
        callbacks = [
            lambda options: [Observation(1, {"secret": 1}), Observation(2, {"secret": 2}), Observation(4, {"k": 1})],
            lambda options: [Observation(10, {"secret": 3, "k": 1}), Observation(20)],
            generated(),
        ]
        getattr(telemetry.meter_provider.get_meter("m"), f"create_observable_{kind}")("Jobs", callbacks, "1")
        found = [points(telemetry) for _ in range(2)][-1]

    if kind == "gauge":
        assert found == {("jobs",): 100, ("jobs", ("k", 1)): 10}
    else:
        assert found == {("jobs",): 123, ("jobs", ("k", 1)): 14}
    assert seen == [Instrument("jobs", f"observable_{kind}", "1", "m")]


def test_an_observation_that_is_not_changed_is_passed_on_itself():
    given = Observation(1, {"k": 1})
    changed = []

    def keep(attributes):
        changed.append(attributes)
        return attributes

    with in_memory({"p": filtering(keep)}) as telemetry:
        telemetry.meter_provider.get_meter("m").create_observable_gauge("g", [lambda options: [given]])
        assert points(telemetry) == {("g", ("k", 1)): 1}
    assert changed[0] is given.attributes


def test_exemplars_do_not_have_what_a_filter_removed():
    kept = Keeping()
    parts = filtering(without_secret, distrokit_exporters=lambda: [Exporter("kept", "metrics", lambda options: kept)])
    with in_memory({"p": parts}, {"OTEL_METRICS_EXEMPLAR_FILTER": "always_on"}) as telemetry:
        counter = telemetry.meter_provider.get_meter("m").create_counter("c")
        counter.add(1, {"secret": "4000 1234", "k": 1})
        reader = InMemoryMetricReader()
        telemetry.meter_provider.add_metric_reader(reader)
        counter.add(1, {"secret": "4000 1234", "k": 1})
        data = reader.get_metrics_data()

    (point,) = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert len(point.exemplars) == 1
    assert "4000 1234" not in repr(data)


def test_filters_run_in_plugin_order_on_the_result_of_the_one_before():
    calls = []

    def first(attributes):
        calls.append(dict(attributes))
        return {**attributes, "first": True}

    def second(attributes):
        calls.append(dict(attributes))
        return {**attributes, "second": len(attributes)}

    with in_memory({"p": filtering(first, second)}) as telemetry:
        telemetry.meter_provider.get_meter("m").create_counter("c").add(1, {"k": 1})
        assert points(telemetry) == {("c", ("first", True), ("k", 1), ("second", 2)): 1}
    assert calls == [{"k": 1}, {"k": 1, "first": True}]


def test_a_filter_may_add_attributes_to_a_measurement_without_any():
    with in_memory({"p": filtering(lambda attributes: {**(attributes or {}), "tenant": "a"})}) as telemetry:
        counter = telemetry.meter_provider.get_meter("m").create_counter("c")
        counter.add(1)
        counter.add(amount=2)
        counter.add(4, None)
        counter.add(8, {})
        assert points(telemetry) == {("c", ("tenant", "a")): 15}


def test_an_instrument_without_a_filter_is_as_it_would_be_without_the_stage():
    def of_nothing(telemetry):
        instrument = telemetry.meter_provider.get_meter("m").create_counter("c")
        cells = {name: cell.cell_contents for name, cell in zip(
            instrument.add.__code__.co_freevars, instrument.add.__closure__, strict=True
        )}  # fmt: skip
        return instrument.add.__code__, cells["method"].__code__

    with in_memory() as plain:
        expected = of_nothing(plain)
    with in_memory({"p": filtering(None)}) as filtered:
        assert filtered.plan.signals["metrics"].at("measure")
        assert of_nothing(filtered) == expected


# ---------------------------------------------------------------------------- failures


def failing(attributes):
    raise RuntimeError("no rule")


@pytest.mark.parametrize("wrong", [failing, lambda attributes: ["a"], lambda attributes: "secret"])
def test_a_filter_that_fails_costs_the_attributes_and_not_the_count(wrong, capsys):
    with in_memory({"p": filtering(wrong)}) as telemetry:
        meter = telemetry.meter_provider.get_meter("m")
        counter = meter.create_counter("c")
        meter.create_observable_counter("o", [lambda options: [Observation(i, {"secret": i}) for i in range(5)]])
        for number in range(10):
            counter.add(2, {"secret": number})
        found = points(telemetry)

    assert found == {("c",): 20, ("o",): 10}
    lines = capsys.readouterr().err.splitlines()
    assert "secret" not in "".join(lines)
    first, last = lines
    assert first.startswith("distrokit: measure processor f0 (plugin p): ")
    assert "measurements are recorded without attributes. " in first
    # Ten, and five in each collection.
    assert last.startswith("distrokit: metrics: ")
    assert last.endswith(" measurements recorded without attributes: a processor at the stage measure failed")
    count = int(last.split()[2])
    assert count >= 15
    assert count % 5 == 0


def test_the_next_filter_gets_no_attributes_from_one_that_failed():
    with in_memory({"p": filtering(failing, lambda attributes: {**attributes, "next": True})}) as telemetry:
        telemetry.meter_provider.get_meter("m").create_counter("c").add(1, {"secret": 1})
        assert points(telemetry) == {("c", ("next", True)): 1}


@pytest.mark.parametrize("answer", ["raise", 5])
def test_a_processor_that_fails_for_an_instrument_costs_its_attributes(answer, capsys):
    def of(instrument):
        if instrument.name == "good":
            return None
        if answer == "raise":
            raise LookupError(instrument.name)
        return answer

    parts = plugin(distrokit_processors=lambda: [Processor("f", "metrics", "measure", lambda context: of)])
    with in_memory({"p": parts}) as telemetry:
        meter = telemetry.meter_provider.get_meter("m")
        meter.create_counter("bad").add(1, {"secret": 1})
        meter.create_counter("good").add(1, {"k": 1})
        assert points(telemetry) == {("bad",): 1, ("good", ("k", 1)): 1}

    first, last = capsys.readouterr().err.splitlines()
    assert "bad: its measurements are recorded without attributes" in first
    assert last == (
        "distrokit: metrics: 1 measurement recorded without attributes: a processor at the stage measure failed"
    )


def test_a_processor_that_cannot_be_built_is_left_out_and_its_signal_is_sent():
    def broken(context):
        raise ValueError("no")

    parts = plugin(distrokit_processors=lambda: [Processor("f", "metrics", "measure", broken)])
    with in_memory({"p": parts}) as telemetry:
        telemetry.meter_provider.get_meter("m").create_counter("c").add(1, {"k": 1})
        assert points(telemetry) == {("c", ("k", 1)): 1}

    (problem,) = telemetry.problems
    assert (problem.code, problem.outcome) == ("build-failed", "it is left out; metrics are sent without it")


def test_a_required_processor_that_cannot_be_built_withholds_the_metrics():
    def broken(context):
        raise ValueError("no")

    processor = Processor("f", "metrics", "measure", broken, required=True)
    with in_memory({"p": plugin(distrokit_processors=lambda: [processor])}) as telemetry:
        added = InMemoryMetricReader()
        telemetry.meter_provider.add_metric_reader(added)
        telemetry.meter_provider.get_meter("m").create_counter("c").add(1, {"secret": 1})
        assert values(added) == {}
        telemetry.tracer_provider.get_tracer("t").start_span("s").end()
        assert points(telemetry) == {}
        assert [span.name for span in telemetry.spans()] == ["s"]


@pytest.mark.parametrize("attributes", [["secret"], "secret", [("secret", 1)], 5])
def test_attributes_that_are_no_mapping_are_not_recorded(boundary, attributes):
    meter, reader, reported = boundary
    meter.create_counter("c").add(1, attributes)
    meter.create_counter("c").add(1, attributes=attributes)
    meter.create_observable_counter("o", [lambda options: [Observation(1, attributes)]])

    assert values(reader) == {("c",): 2, ("o",): 1}
    assert [(call, outcome) for call, _, outcome in reported] == [
        ("c.add", "its attributes are dropped"),
        ("c.add", "its attributes are dropped"),
        ("o.callback", "its attributes are dropped"),
    ]
    assert all(f"not {type(attributes).__name__}" in str(error) for _, error, _ in reported)


# ------------------------------------------------------------- arguments, patches, order

CALLS = {
    "amount": lambda counter: counter.add(1),
    "amount, attributes": lambda counter: counter.add(1, {"k": 1}),
    "amount, attributes, context": lambda counter: counter.add(1, {"k": 1}, None),
    "attributes by name": lambda counter: counter.add(1, attributes={"k": 1, "secret": 2}),
    "context by name": lambda counter: counter.add(1, {"k": 1, "secret": 2}, context=None),
    "all by name": lambda counter: counter.add(amount=1, attributes={"k": 1, "secret": 2}, context=None),
    "a mapping": lambda counter: counter.add(1, MappingProxyType({"k": 1, "secret": 2})),
    "none for attributes": lambda counter: counter.add(1, None),
}


@pytest.mark.parametrize("call", CALLS)
def test_arguments_by_place_and_by_name(boundary, call):
    meter, reader, reported = boundary
    CALLS[call](meter.create_counter("c"))

    assert values(reader) == {("c",) if call in ("amount", "none for attributes") else ("c", ("k", 1)): 1}
    assert reported == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda counter: counter.add(),
        lambda counter: counter.add(1, {}, None, 4),
        lambda counter: counter.add(1, labels={}),
        lambda counter: counter.add(1, {}, attributes={}),
        lambda counter: counter.add(attributes={"k": 1}),
    ],
)
def test_arguments_that_the_sdk_does_not_have_are_reported_and_not_raised(boundary, wrong):
    meter, reader, reported = boundary
    wrong(meter.create_counter("c"))

    ((name, error),) = reported
    assert (name, type(error)) == ("c.add", TypeError)
    assert values(reader) == {}


def test_a_patch_of_the_sdks_class_gets_filtered_attributes_while_it_lasts(boundary):
    meter, reader, _ = boundary
    counter, sdk, given = meter.create_counter("c"), Counter.add, []

    def patched(self, amount, attributes=None, context=None):
        given.append(attributes)
        return sdk(self, 2 * amount, attributes, context)

    counter.add(1, {"secret": 1})
    with mock.patch.object(Counter, "add", patched):
        counter.add(10, {"secret": 1, "k": 1})
    counter.add(100, {"secret": 1})

    assert given == [{"k": 1}]
    assert values(reader) == {("c",): 101, ("c", ("k", 1)): 20}


def test_an_observable_instrument_of_a_wrong_name_is_reported_once(boundary):
    meter, _, reported = boundary
    meter.create_observable_counter(5, [lambda options: []])
    meter.create_observable_counter()

    assert [name for name, *_ in reported] == ["meter.create_observable_counter"] * 2


class Amount(int):
    """The SDK compares the amount: there the thread is inside a measurement."""

    def __new__(cls, value, call):
        made = super().__new__(cls, value)
        made.call = call
        return made

    def __lt__(self, other):
        self.call()
        return False


def test_what_is_made_and_measured_inside_the_sdk_passes_the_filter_later(boundary):
    meter, reader, _ = boundary
    outer, inner = meter.create_counter("outer"), meter.create_counter("inner")

    def measure():
        inner.add(1, {"secret": 1, "k": 1})
        meter.create_counter("late").add(1, {"secret": 1, "k": 1})
        meter.create_observable_counter("seen", [lambda options: [Observation(1, {"secret": 1, "k": 1})]])

    outer.add(Amount(5, measure))

    expected = {("outer",): 5, **{(name, ("k", 1)): 1 for name in ("inner", "late")}}
    assert values(reader) in (expected, {**expected, ("seen", ("k", 1)): 1})
    assert values(reader) == {**expected, ("seen", ("k", 1)): 1}


def test_a_filter_that_measures_does_not_go_on_for_ever(capsys):
    """What it records passes the filter once, and is recorded without attributes the second time."""
    own = []

    def counting(attributes):
        own[0].add(1, {"from": "filter"})
        return attributes

    with in_memory({"p": filtering(counting)}) as telemetry:
        meter = telemetry.meter_provider.get_meter("m")
        own.append(meter.create_counter("own"))
        meter.create_observable_gauge("g", [lambda options: [Observation(1)]])
        counter = meter.create_counter("c")
        for _ in range(3):
            counter.add(1, {"k": 1})
        found = points(telemetry)

    assert found[("c", ("k", 1))] == 3
    assert found[("own", ("from", "filter"))] == found[("own",)]
    assert found[("own",)] in (3, 4)
    assert "measurements recorded without attributes" in capsys.readouterr().err


# ------------------------------------------------------------------ plan, views, readers


def test_only_metrics_have_this_stage():
    for signals in ("traces", ("metrics", "logs")):
        with pytest.raises(
            HookError, match=r"declared Processor 'f' at 'measure' for .*; only metrics have measurements"
        ):
            validate("distrokit_processors", [Processor("f", signals, "measure", print)])
    with pytest.raises(HookError, match="at 'measure' with exporters; only transforms can name exporters"):
        validate("distrokit_processors", [Processor("f", "metrics", "measure", print, exporters=("otlp",))])
    assert validate("distrokit_processors", [Processor("f", ("metrics",), "measure", print)])


def test_explain_shows_the_stage_before_the_others(tmp_path, capsys):
    from commands import in_process
    from distributions import write_plugin

    source = """
        from distrokit import Processor, hookimpl

        @hookimpl
        def distrokit_processors():
            return [Processor("late", "metrics", "transform", print), Processor("early", "metrics", "measure", print)]
    """
    folder = write_plugin(tmp_path, "acme", source)

    def explain(*arguments):
        return in_process("explain", *arguments, path=[folder])

    assert "metrics  resource → early → late → periodic → otlp" in explain().stdout
    assert "measure" in explain().stdout
    signals = json.loads(explain("--json").stdout)["signals"]
    assert [processor["name"] for processor in signals["metrics"]["measure"]] == ["early"]
    assert "measure" not in signals["traces"]
    for form in ("--mermaid", "--svg"):
        drawn = explain(form).stdout
        assert drawn.index("early") < drawn.index("late")


VIEW = {"selector": {"instrument_name": "Jobs*"}, "stream": {"attribute_keys": {"included": ["k"]}}}


def test_an_instrument_has_the_definitions_of_the_views_that_select_it():
    seen, of_unit = [], {"selector": {"unit": "s", "meter_name": "m"}, "stream": {"name": "seconds"}}
    of_unit["selector"] |= {"instrument_name": "jobs.done"}
    parts = filtering(None, seen=seen, distrokit_views=lambda: [VIEW, of_unit])
    with in_memory({"p": parts}) as telemetry:
        meter = telemetry.meter_provider.get_meter("m")
        meter.create_counter("jobs.done", "s").add(1, {"k": 1, "other": 2})
        meter.create_observable_counter("jobs.seen", [lambda options: [Observation(1, {"k": 1, "other": 2})]])
        meter.create_counter("sales").add(1)
        found = points(telemetry)

    assert [(each.name, each.views) for each in seen] == [
        ("jobs.done", (VIEW, of_unit)),
        ("jobs.seen", (VIEW,)),
        ("sales", ()),
    ]
    # The SDK agrees.
    assert found == {
        ("jobs.done", ("k", 1)): 1,
        ("seconds", ("k", 1), ("other", 2)): 1,
        ("jobs.seen", ("k", 1)): 1,
        ("sales",): 1,
    }


@pytest.mark.parametrize(
    ("selector", "stream", "selected"),
    [
        ({"instrument_name": "*"}, {}, True),
        ({"instrument_name": "HTTP.*", "unit": "s"}, {}, True),
        ({"instrument_name": "http.*", "unit": "ms"}, {}, False),
        ({"instrument_type": "observable_gauge"}, {}, True),
        ({"instrument_type": "gauge"}, {}, False),
        ({"meter_name": "m", "meter_version": "1", "meter_schema_url": "u"}, {}, True),
        ({"meter_name": "m", "meter_version": "2"}, {}, False),
        ({"meter_schema_url": "v"}, {}, False),
        ({"instrument_name": "*"}, {"aggregation": {"drop": {}}}, True),
        ({"instrument_name": "*"}, {"aggregation": {"explicit_bucket_histogram": {}}}, False),
    ],
)
def test_a_view_selects_as_the_sdk_does(selector, stream, selected):
    definition = {"selector": selector, "stream": {"attribute_keys": {"included": []}, **stream}}
    assert selects(definition, "observable_gauge", "http.x", "s", ("m", "1", "u")) is selected

    with in_memory({"p": plugin(distrokit_views=lambda: [definition])}) as telemetry:
        meter = telemetry.meter_provider.get_meter("m", "1", "u")
        meter.create_observable_gauge("http.x", [lambda options: [Observation(1, {"k": 1})]], "s")
        dropped = "drop" in stream.get("aggregation", {})
        assert points(telemetry) == ({} if dropped else {("http.x",) if selected else ("http.x", ("k", 1)): 1})


def test_a_scraped_reader_and_one_that_is_added_later_get_filtered_measurements():
    scraped = InMemoryMetricReader()
    exporters = [Exporter("scraped", "metrics", lambda options: scraped)]
    parts = filtering(without_secret, distrokit_exporters=lambda: exporters)
    from distrokit.launch.startup import make_pipeline
    from distrokit.testing.planning import assemble

    assembly = assemble({"p": parts}, {"OTEL_METRICS_EXPORTER": "scraped"}, installed=False)
    assembly.plan.signals["metrics"].exporters[0].processor = None
    pipeline = make_pipeline(assembly, isolated=True)
    pipeline.start()
    try:
        added = InMemoryMetricReader()
        pipeline.meter_provider.add_metric_reader(added)
        pipeline.meter_provider.get_meter("m").create_counter("c").add(1, {"secret": 1, "k": 1})
        assert values(scraped) == values(added) == {("c", ("k", 1)): 1}
        # Only a stage behind the aggregation is not for a scraped reader.
        assert [problem.cause for problem in assembly.plan.problems if problem.code == "build-failed"] == []
    finally:
        pipeline.stop()


def test_without_an_exporter_a_filter_alone_builds_no_metrics():
    with in_memory({"p": filtering(without_secret)}, {"OTEL_METRICS_EXPORTER": "none"}) as telemetry:
        assert telemetry.pipeline.meter_provider is None
        assert isinstance(telemetry.meter_provider, metrics.NoOpMeterProvider)


def test_in_a_real_process_nothing_of_what_a_filter_removes_arrives():
    source = """
        from distrokit import Processor, hookimpl

        @hookimpl
        def distrokit_processors():
            def make(context):
                return lambda instrument: lambda attributes: {k: v for k, v in (attributes or {}).items() if k != "card"}
            return [Processor("no-cards", "metrics", "measure", make)]
    """
    program = """
        import os
        from opentelemetry import metrics
        from opentelemetry.metrics import Observation
        meter = metrics.get_meter("m")
        counter = meter.create_counter("sales")
        meter.create_observable_gauge("g", [lambda options: [Observation(1, {"card": "4000"})]])
        for number in range(100):
            counter.add(1, {"card": f"4000 {number}", "k": "v"})
        if os.fork() == 0:
            counter.add(7, {"card": "4000", "k": "child"})
            raise SystemExit
        os.wait()
    """
    # Python warns of a fork beside threads.
    env = {"DISTROKIT_PLUGIN_FILES": "cards.py", "PYTHONWARNINGS": "ignore"}
    ran = instrumented(program, env, files={"cards.py": source})

    assert ran.stderr == ""
    found = {(metric.name, *(metric.attributes or {}).items()): metric.value for metric in ran.metrics}
    assert found[("sales", ("k", "v"))] == 100
    assert found[("sales", ("k", "child"))] == 7
    assert set(found) == {("sales", ("k", "v")), ("sales", ("k", "child")), ("g",)}
