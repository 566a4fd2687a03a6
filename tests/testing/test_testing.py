"""The kit for authors: plans, pipelines in memory, real processes, and globals that are put back."""

from __future__ import annotations

import logging
import os
import re
import sys
import textwrap
import threading
import types

import pytest
from distributions import write_plugin
from interpreters import ROOT
from opentelemetry import _logs, metrics, propagate, trace
from opentelemetry._logs import LogRecord
from plans import DEFAULTS, plugin
from processes import BIN, run
from releases import needs_yaml

import distrokit
from distrokit import Exporter, Processor, hookimpl
from distrokit.testing import (
    Event,
    Link,
    Log,
    Metric,
    Scope,
    Span,
    in_memory,
    instrumented,
    planned,
    restored_globals,
    restoring,
    running,
)
from distrokit.testing.ordering import series_in_order

NOTHING = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

RECORD = """
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.trace import SpanKind, Status, StatusCode

    def record(tracers, meters, loggers):
        tracer = tracers.get_tracer("shop", "1.2")
        with tracer.start_as_current_span("GET /cart", kind=SpanKind.SERVER, attributes={"tags": ("a", "b")}) as span:
            span.add_event("asked", {"n": 1})
            with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT) as inner:
                inner.set_status(Status(StatusCode.ERROR, "gone"))
            loggers.get_logger("shop").emit(
                LogRecord(body={"a": [1, 2]}, severity_text="WARN", severity_number=SeverityNumber.WARN, attributes={"k": True})
            )
        from opentelemetry.trace import Link

        tracer.start_span("later", links=[Link(span.get_span_context(), {"why": "after"})]).end()
        meter = meters.get_meter("shop")
        orders = meter.create_counter("orders", "1", "how many")
        orders.add(1, {"plan": "paid"})
        orders.add(2, {"plan": "free"})
        meter.create_histogram("took", "ms", explicit_bucket_boundaries_advisory=[1, 10]).record(2.5)
        meter.create_up_down_counter("open").add(-3)
        meter.create_gauge("level").set(0.5)
"""

SPANS = [
    Span(
        "GET /cart",
        "server",
        {"tags": ["a", "b"]},
        Scope("shop", "1.2"),
        events=(Event("asked", {"n": 1}),),
    ),
    Span("SELECT", "client", scope=Scope("shop", "1.2"), parent="GET /cart", status="error", status_message="gone"),
    Span("later", scope=Scope("shop", "1.2"), links=(Link({"why": "after"}),)),
]
LOGS = [Log({"a": [1, 2]}, "WARN", 13, {"k": True}, scope=Scope("shop"), span="GET /cart")]
ORDERS = {
    "unit": "1",
    "description": "how many",
    "scope": Scope("shop"),
    "temporality": "cumulative",
    "monotonic": True,
}
METRICS = [
    Metric("level", "gauge", 0.5, scope=Scope("shop")),
    Metric("open", "sum", -3, scope=Scope("shop"), temporality="cumulative"),
    Metric("orders", "sum", 2, {"plan": "free"}, **ORDERS),
    Metric("orders", "sum", 1, {"plan": "paid"}, **ORDERS),
    Metric(
        "took",
        "histogram",
        2.5,
        unit="ms",
        scope=Scope("shop"),
        count=1,
        temporality="cumulative",
        bounds=(1, 10),
        buckets=(0, 1, 0),
        minimum=2.5,
        maximum=2.5,
    ),
]


def recorded(telemetry):
    space = {}
    exec(textwrap.dedent(RECORD), space)
    space["record"](telemetry.tracer_provider, telemetry.meter_provider, telemetry.logger_provider)


# ------------------------------------------------------------------------------------ plans


def test_a_plan_is_of_what_is_given_and_nothing_else(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.distrokit]\nOTEL_SERVICE_NAME = "project"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "machine")
    mine = plugin(distrokit_defaults=lambda: {"OTEL_TRACES_EXPORTER": "none"})

    bare = planned()
    plan = planned({"mine": mine}, {"OTEL_LOGS_EXPORTER": "none"})

    assert [problem.code for problem in bare.problems] == ["no-exporter"]
    assert "service.name" not in plan.resource.attributes
    assert [found.name for found in plan.plugins] == ["mine"]
    assert str(plan.signals["traces"].source) == "default of plugin mine"


def test_what_is_installed_is_there_on_demand_and_gives_way_to_what_is_given():
    mine = plugin(distrokit_defaults=lambda: {"OTEL_TRACES_EXPORTER": "console"})

    plan = planned({"otlp": mine}, {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, installed=True)

    assert {found.name for found in plan.plugins} >= {"batch", "components", "otlp", "resource"}
    assert [found.distribution for found in plan.plugins if found.name == "otlp"] == ["code"]
    assert plan.problems == []


def test_modules_have_names():
    modules = [types.ModuleType(name) for name in ("acme_plugin", "company.other_plugin", "third.plugin", "fourth")]
    for module in modules:
        module.distrokit_resource = hookimpl(lambda: None)

    assert [found.name for found in planned(modules).plugins] == ["acme", "fourth", "other", "third"]
    with pytest.raises(ValueError, match="two modules are called 'acme': give a mapping"):
        planned([modules[0], types.ModuleType("acme")])
    with pytest.raises(ValueError, match="str is not a module and has no name: pass one"):
        planned(["acme"])


# --------------------------------------------------------------------------------- in memory


def before_and_after():
    logger = logging.getLogger("opentelemetry")
    return (
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
        _logs.get_logger_provider(),
        propagate.get_global_textmap(),
        list(logger.handlers),
        logger.propagate,
        dict(os.environ),
    )


@pytest.mark.parametrize("installed", [False, True])
def test_what_is_recorded_comes_back_and_the_process_stays_as_it_was(installed, capfd):
    before, threads = before_and_after(), set(threading.enumerate())

    with in_memory(environ={"OTEL_SERVICE_NAME": "shop"}, installed=installed) as telemetry:
        inside = before_and_after()
        recorded(telemetry)
        assert telemetry.spans() == telemetry.spans() == SPANS
        assert telemetry.metrics() == telemetry.metrics() == METRICS
        assert telemetry.logs() == LOGS
        assert telemetry.spans()[0].resource["service.name"] == "shop"

    assert telemetry.problems == []
    assert telemetry.spans() == SPANS
    assert inside[:-1] == before[:-1]
    assert inside[-1]["OTEL_SERVICE_NAME"] == "shop"
    assert before_and_after() == before
    assert not set(threading.enumerate()) - threads
    assert capfd.readouterr() == ("", "")


def test_the_environment_is_the_one_that_is_given(monkeypatch):
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")
    monkeypatch.setenv("ACME_TOKEN", "the machine's")
    read = []
    settings = [distrokit.Setting(name="ACME_TOKEN", consumer="acme")]
    mine = plugin(
        distrokit_settings=lambda: settings, distrokit_started=lambda: read.append(os.environ.get("ACME_TOKEN"))
    )

    def attributes(environ):
        with in_memory({"acme": mine}, environ) as telemetry:
            telemetry.tracer_provider.get_tracer("t").start_span("s", attributes={"a": 1, "b": "long", "c": 3}).end()
            (span,) = telemetry.spans()
            return span.attributes

    assert attributes({}) == {"a": 1, "b": "long", "c": 3}
    assert attributes({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2", "ACME_TOKEN": "x"}) == {"b": "long", "c": 3}
    assert read == [None, "x"]
    assert os.environ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"] == "1"


def test_the_limits_of_log_records_hold():
    with in_memory(environ={"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"}) as telemetry:
        telemetry.logger_provider.get_logger("l").emit(LogRecord(body="b", attributes={"a": "long"}))
        assert [log.attributes for log in telemetry.logs()] == [{"a": "lon"}]


def test_each_exporter_keeps_what_it_is_given_behind_its_own_way():
    def options(exporter, options):
        options.headers["x-token"] = options.settings.get("ACME_TOKEN")

    def never(options):
        raise AssertionError("nothing is to be built")

    mine = plugin(
        distrokit_exporters=lambda: [Exporter("acme", ("traces", "metrics"), never)],
        distrokit_exporter_options=options,
        distrokit_stopping=lambda pipeline: pipeline.tracer_provider.get_tracer("t").start_span("the end").end(),
    )
    environ = {
        "ACME_TOKEN": "x",
        "OTEL_TRACES_EXPORTER": "acme,otlp",
        "OTEL_METRICS_EXPORTER": "acme,otlp",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    }

    with in_memory({**DEFAULTS, "acme": mine}, environ) as telemetry:
        for _ in range(2):
            telemetry.tracer_provider.get_tracer("t").start_span("s").end()
            telemetry.meter_provider.get_meter("m").create_counter("c").add(2)
            telemetry.metrics()
        assert [span.name for span in telemetry.spans()] == ["s", "s"]
        assert [span.name for span in telemetry.spans("otlp")] == ["s", "s"]
        by_name = {name: telemetry.metrics(name) for name in ("acme", "otlp")}
        assert [(m.value, m.temporality) for m in by_name["acme"]] == [(4, "cumulative")]
        assert [(m.value, m.temporality) for m in by_name["otlp"]] == [(4, "delta")]
        assert [m.temporality for m in telemetry.metrics()] == ["cumulative", "delta"]
        with pytest.raises(ValueError, match=r"no exporter 'backup' for traces in the plan \(there are acme, otlp\)"):
            telemetry.spans("backup")
        telemetry.logger_provider.get_logger("l").emit(LogRecord(body="nobody takes it"))
        assert telemetry.logs() == []

    assert [(o.signal, o.name, o.endpoint) for o in telemetry.exporters if o.name == "otlp"] == [
        ("traces", "otlp", "http://collector:4317"),
        ("metrics", "otlp", "http://collector:4317"),
    ]
    assert {o.headers["x-token"] for o in telemetry.exporters} == {"x"}
    assert [span.name for span in telemetry.spans()] == ["s", "s", "the end"]


@needs_yaml
def test_a_configuration_file_counts_and_what_would_be_scraped_is_kept(tmp_path):
    (tmp_path / "otel.yaml").write_text(
        textwrap.dedent("""
        file_format: "1.0"
        meter_provider:
          readers:
            - periodic: {exporter: {console: {temporality_preference: delta}}}
            - pull: {exporter: {prometheus/development: {port: 1}}}
          views:
            - {selector: {instrument_name: c}, stream: {name: renamed, attribute_keys: {included: [a]}}}
        """)
    )

    with in_memory(environ={"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")}, installed=True) as telemetry:
        telemetry.meter_provider.get_meter("m").create_counter("c").add(2, {"a": 1, "b": 2})
        found = {name: telemetry.metrics(name) for name in ("console", "prometheus")}

    assert {name: [(m.name, m.value, m.attributes, m.temporality) for m in kept] for name, kept in found.items()} == {
        "console": [("renamed", 2, {"a": 1}, "delta")],
        "prometheus": [("renamed", 2, {"a": 1}, "cumulative")],
    }
    assert telemetry.problems == []


def test_a_disabled_plan_hands_out_what_an_application_would_get():
    with in_memory(environ={"OTEL_SDK_DISABLED": "true"}) as telemetry:
        recorded(telemetry)
        assert telemetry.spans() + telemetry.metrics() + telemetry.logs() == []
        assert telemetry.plan.disabled.value


def test_what_the_plan_could_not_build_is_a_problem():
    mine = plugin(distrokit_processors=lambda: [Processor("acme", "traces", "enrich", lambda context: 1 / 0)])

    with in_memory({"acme": mine}) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("s").end()
        assert [span.name for span in telemetry.spans()] == ["s"]

    assert [problem.code for problem in telemetry.problems] == ["build-failed"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_what_it_recorded_itself():
    program = """
        import os
        from distrokit.testing import in_memory

        with in_memory(installed=True) as telemetry:
            tracer = telemetry.tracer_provider.get_tracer("t")
            tracer.start_span("parent").end()
            telemetry.spans()
            child = os.fork()
            tracer.start_span("both").end()
            # In one piece: both write at the same time.
            os.write(1, f"{child == 0} {[span.name for span in telemetry.spans()]}\\n".encode())
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
    """
    result = run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)])

    assert sorted(result.stdout.splitlines()) == ["False ['parent', 'both']", "True ['both']"]
    assert result.stderr == ""


def test_points_that_are_deltas_are_added_up():
    one = Metric("h", "histogram", 3, count=1, temporality="delta", bounds=(1,), buckets=(0, 1), minimum=3, maximum=3)
    two = Metric("h", "histogram", 1, count=2, temporality="delta", bounds=(1,), buckets=(2, 0), minimum=0, maximum=1)
    none = Metric("h", "histogram", 5, count=1, temporality="delta")

    assert series_in_order([one, two]) == [
        Metric("h", "histogram", 4, count=3, temporality="delta", bounds=(1,), buckets=(2, 1), minimum=0, maximum=3)
    ]
    (other_bounds,) = series_in_order([one, none])
    assert (other_bounds.value, other_bounds.count, other_bounds.buckets, other_bounds.maximum) == (8, 2, (), 3)


# ----------------------------------------------------------------------------- real processes


@pytest.mark.parametrize("protocol", ["", "grpc"])
def test_a_real_process_gives_the_same(protocol):
    program = textwrap.dedent(RECORD) + textwrap.dedent("""
        import sys
        from opentelemetry import _logs, metrics, trace
        from inner.more import GREETING

        record(trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider())
        print(GREETING)
        sys.exit("an error")
    """)
    environ = {"OTEL_SERVICE_NAME": "shop", **({"OTEL_EXPORTER_OTLP_PROTOCOL": protocol} if protocol else {})}

    ran = instrumented(program, environ, files={"inner/more.py": "GREETING = 'hello'\n"})

    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "hello\n", "an error\n")
    assert ran.spans == SPANS
    assert ran.metrics == METRICS
    assert ran.logs == LOGS
    assert {item.resource["service.name"] for item in (*ran.spans, *ran.metrics, *ran.logs)} == {"shop"}


def test_another_command_and_a_plugin_on_the_path(tmp_path):
    mine = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_resource():
            return {"acme": [1, 2]}
    """
    write_plugin(tmp_path, "acme", mine)
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"

    ran = instrumented(program, path=[tmp_path], command="distrokit run")

    assert [span.resource["acme"] for span in ran.spans] == [[1, 2]]


def test_a_program_that_does_not_end_is_killed_with_its_children(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    program = f"""
        import fcntl, os, time
        if not os.fork():
            held = open({str(tmp_path / "lock")!r}, "w")
            fcntl.flock(held, fcntl.LOCK_EX)
            print("held", flush=True)
        time.sleep(300)
    """

    with pytest.raises(TimeoutError, match=r"program.py did not end within 4 s; stdout: 'held\\n', stderr: ''"):
        instrumented(program, NOTHING, command="", timeout_seconds=4)

    with (tmp_path / "lock").open() as file:
        # Only when nobody holds it any more.
        fcntl.flock(file, fcntl.LOCK_EX)


def test_what_is_missing_is_said(monkeypatch):
    with pytest.raises(RuntimeError, match="there is no command 'no-such-command' beside"):
        instrumented("", command="no-such-command")
    with pytest.raises(ValueError, match=r"'\.\./x' is not inside the program's folder"):
        instrumented("", files={"../x": ""})
    monkeypatch.setattr(running, "GROUP", "of nobody")
    with pytest.raises(RuntimeError, match=re.escape("pip install 'distrokit[dev]'")):
        instrumented("")


# ------------------------------------------------------------------------------------ globals


def test_globals_are_put_back_and_what_was_started_is_stopped():
    before = before_and_after()
    threads = set(threading.enumerate())
    with restored_globals():
        outer = distrokit.start({**NOTHING, "OTEL_PROPAGATORS": "baggage"}, instrument=False)
        assert trace.get_tracer_provider() is outer.tracer_provider
        between = before_and_after()
        with restored_globals():
            assert trace.get_tracer_provider() is not outer.tracer_provider
            inner = distrokit.start({**NOTHING, "OTEL_TRACES_EXPORTER": "console"}, instrument=False)
            trace.get_tracer("t").start_span("s")
            assert trace.get_tracer_provider() is inner.tracer_provider
        assert inner.stopped
        assert not outer.stopped
        assert before_and_after() == between
        assert distrokit.start(instrument=False) is outer
    assert outer.stopped
    assert before_and_after() == before
    assert not set(threading.enumerate()) - threads


def test_every_signal_and_propagator_is_put_back():
    from opentelemetry.instrumentation import propagators
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    before, response = before_and_after(), propagators.get_global_response_propagator()
    for _ in range(2):
        with restored_globals():
            mine = (TracerProvider(), MeterProvider(shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False))
            trace.set_tracer_provider(mine[0])
            metrics.set_meter_provider(mine[1])
            _logs.set_logger_provider(mine[2])
            propagators.set_global_response_propagator(propagators.TraceResponsePropagator())
            propagate.set_global_textmap(propagate.composite.CompositePropagator([]))
            assert before_and_after()[:3] == mine
    assert before_and_after() == before
    assert propagators.get_global_response_propagator() is response


def test_this_release_has_the_names_that_are_put_back():
    with restored_globals():
        for module, *names in (*restoring._ONCE, *restoring._PLAIN):
            assert not [name for name in names if name not in vars(sys.modules[module])]


# ----------------------------------------------------------------------------------- the page


def test_the_page_is_a_test_suite_that_passes(tmp_path):
    page = (ROOT / "docs/testing.md").read_text()
    files = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    write_plugin(tmp_path, "acme", files.pop("acme_plugin.py"), "acme")
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    result = run([str(BIN / "pytest"), "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)], path=[tmp_path])

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^7 passed", result.stdout, re.MULTILINE)
    assert len(re.findall(r"^```", page, re.MULTILINE)) == 2 * (len(files) + 1)


def test_a_test_run_that_does_not_ask_imports_nothing(tmp_path):
    asks = (
        "import sys\ndef test(): assert not [n for n in sys.modules if n.startswith(('distrokit', 'opentelemetry'))]\n"
    )
    (tmp_path / "test_it.py").write_text(asks)

    result = run([str(BIN / "pytest"), "-q", "-p", "no:cacheprovider", str(tmp_path)], cwd=tmp_path)

    assert result.returncode == 0, result.stdout


def test_importing_the_kit_imports_no_opentelemetry():
    program = (
        "import sys, distrokit.testing; print([n for n in sys.modules if n.startswith(('opentelemetry', 'pytest'))])"
    )

    assert run([sys.executable, "-c", program]).stdout == "[]\n"
