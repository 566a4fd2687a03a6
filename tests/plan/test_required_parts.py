"""Without a required part its signals are not exported; the application and the other signals go on."""

from __future__ import annotations

import json
import sys

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from processes import instrumented, run

from distrokit import Distro, Exporter, Processor, hookimpl
from distrokit.launch.startup import make_pipeline
from distrokit.settings.environ import only
from distrokit.testing import in_memory, planned
from distrokit.testing.planning import assemble


def _pass(context):
    return lambda item: item


def _raise(context):
    raise RuntimeError("no rules")


def cards(factory=_pass, signals=("traces", "logs"), fails_in="", **options):
    """Return a plugin that declares the processor ``cards``."""

    class Cards:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            if fails_in == "distrokit_processors":
                raise RuntimeError("broken")
            return [Processor("cards", signals, "transform", factory, **options)]

        @staticmethod
        @hookimpl
        def distrokit_plan(plan):
            if fails_in == "distrokit_plan":
                raise RuntimeError("broken")
            if fails_in == "removes":
                for planned_signal in plan.signals.values():
                    planned_signal.processors = []

    return {"cards": Cards}


REQUIRED = {"DISTROKIT_REQUIRED": "Cards"}


def record(telemetry):
    telemetry.tracer_provider.get_tracer("shop").start_span("pay").end()
    telemetry.logger_provider.get_logger("shop").emit(body="paid")
    telemetry.meter_provider.get_meter("shop").create_counter("payments").add(1)
    return len(telemetry.spans()), len(telemetry.logs()), len(telemetry.metrics())


@pytest.mark.parametrize(
    ("plugins", "environ", "exported", "cause"),
    [
        (cards(), REQUIRED, (1, 1, 1), ""),
        (cards(required=True), {}, (1, 1, 1), ""),
        # Nobody declares it, so it was meant for everything.
        ({}, REQUIRED, (0, 0, 0), "no loaded plugin declares a processor of this name"),
        (cards(fails_in="distrokit_processors"), REQUIRED, (0, 0, 0), "plugin cards is not loaded"),
        # What a plugin has declared before it fails stays required.
        (cards(fails_in="distrokit_plan", required=True), {}, (0, 0, 1), "plugin cards is not loaded"),
        (cards(fails_in="removes", required=True), {}, (0, 0, 1), "it is declared, and it is not in the plan"),
        (cards(_raise, required=True), {}, (0, 0, 1), "no rules"),
        (cards(_raise), REQUIRED, (0, 0, 1), "no rules"),
        (cards(_raise, signals="metrics", required=True), {}, (1, 1, 0), "no rules"),
        (cards(lambda context: 1, signals="traces", required=True), {}, (0, 1, 1), "the factory returned int"),
        # For one exporter only: its signal is withheld all the same.
        (cards(_raise, required=True, exporters=("otlp",)), {}, (0, 0, 1), "no rules"),
        # It is not required, so it is left out.
        (cards(_raise), {}, (1, 1, 1), "no rules"),
    ],
)
def test_what_lacks_a_required_part_is_not_exported(plugins, environ, exported, cause):
    late = InMemorySpanExporter()
    with in_memory(plugins, environ, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(late))
        counts = record(telemetry)

    assert counts == exported
    assert len(late.get_finished_spans()) == exported[0]
    causes = [problem.cause for problem in telemetry.problems]
    assert any(cause in text for text in causes) if cause else causes == []


def _other(**options):
    class Other:
        @staticmethod
        @hookimpl(tryfirst=True)
        def distrokit_processors():
            return [Processor("cards", "traces", "transform", _pass, **options)]

    return Other


@pytest.mark.parametrize("first", [True, False])
def test_another_plugins_processor_of_that_name_does_not_do(first):
    class Equal:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            return [Processor("cards", "traces", "transform", _pass)]

    plugins = {**cards(required=True, signals="traces"), "other": _other() if first else Equal}
    with in_memory(plugins, {}, installed=True) as telemetry:
        assert record(telemetry) == (0, 1, 1)

    assert "required-missing" in [problem.code for problem in telemetry.problems]


def test_a_required_part_stands_before_every_exporter():
    plugins = {"other": _other(exporters=("otlp/other",))}
    plan = planned(plugins, {"DISTROKIT_REQUIRED": "cards", "OTEL_TRACES_EXPORTER": "otlp,otlp/other"}, installed=True)

    assert plan.signals["traces"].withheld == "required processor cards is missing"


def test_a_required_transform_runs_after_those_of_other_plugins():
    class Late:
        @staticmethod
        @hookimpl(trylast=True)
        def distrokit_processors():
            return [Processor("zz", "traces", "transform", _pass)]

    plan = planned({**cards(required=True), "zz": Late}, {}, installed=True)

    assert [processor.name for processor in plan.signals["traces"].at("transform")] == ["zz", "cards"]


def test_a_scraped_exporter_that_a_required_transform_cannot_stand_before_is_left_out():
    def scraped(options):
        return InMemoryMetricReader()

    class Scraped:
        @staticmethod
        @hookimpl
        def distrokit_exporters():
            return [Exporter("scraped", "metrics", scraped)]

    environ = {"OTEL_METRICS_EXPORTER": "scraped", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    assembly = assemble({**cards(required=True, signals="metrics"), "scraped": Scraped}, environ, installed=True)
    with only(environ, [setting.name for setting in assembly.plan.known]):
        pipeline = make_pipeline(assembly, isolated=True)
        try:
            pipeline.start()
            assert pipeline.meter_provider is None or not pipeline.meter_provider.readers
        finally:
            pipeline.stop()

    assert any("it is left out, since one is required" in problem.outcome for problem in assembly.plan.problems)


def test_an_exporters_processor_cannot_be_required():
    class Wrong:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            return [Processor("mine", "traces", "export", _pass, required=True)]

    (problem,) = planned({"wrong": Wrong}, {}, installed=True).problems
    assert "declared Processor 'mine' at 'export' as required" in problem.cause


@pytest.mark.parametrize("environ", [{"DISTROKIT_DISABLED_PLUGINS": "guard"}, {}])
def test_redaction_that_is_asked_for_is_required_whatever_became_of_the_plugin(environ):
    # Without the installed plugins, there is no guard.
    plan = planned({}, {"DISTROKIT_GUARD_REDACT": "cards", **environ}, installed=bool(environ))

    assert all(planned_signal.withheld for planned_signal in plan.signals.values())


def test_a_distro_requires_a_part():
    distro = Distro(name="acme", version="1", required=("cards",))

    plan = planned({}, {}, installed=True, distro=distro)

    (problem,) = (problem for problem in plan.problems if problem.code == "required-missing")
    assert "distro acme 1 requires it" in problem.cause.replace("default of ", "")
    assert problem.outcome == "traces, metrics, logs are not exported"
    assert {planned_signal.withheld for planned_signal in plan.signals.values()} == {
        "required processor cards is missing"
    }
    assert plan.describe()["required"] == {"cards": str(plan.required["cards"])}


def test_a_distro_refuses_text_in_place_of_names():
    with pytest.raises(TypeError, match=r"Distro\.required is a tuple of names"):
        Distro(name="acme", version="1", required="cards")


def test_a_misspelt_name_gets_a_hint():
    plan = planned(cards(), {"DISTROKIT_REQUIRED": "card"}, installed=True)

    (problem,) = (problem for problem in plan.problems if problem.code == "required-missing")
    assert "cards" in problem.remedy


def test_a_disabled_plan_requires_nothing():
    plan = planned({}, {**REQUIRED, "OTEL_SDK_DISABLED": "true"}, installed=True)

    assert plan.problems == []


PROGRAM = """
from opentelemetry import trace, metrics
trace.get_tracer("shop").start_span("pay").end()
metrics.get_meter("shop").create_counter("payments").add(1)
print("served")
"""


def test_in_a_real_process_the_application_runs_and_one_line_says_it(receiver, tmp_path):
    (tmp_path / "cards.py").write_text(
        "from distrokit import Processor, hookimpl\n"
        "def factory(context):\n    raise RuntimeError('no rules')\n"
        "@hookimpl\ndef distrokit_processors():\n"
        "    return [Processor('cards', 'traces', 'transform', factory, required=True)]\n"
    )
    env = {
        "DISTROKIT_PLUGIN_FILES": str(tmp_path / "cards.py"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"),
    }

    ran = instrumented(PROGRAM, env)

    assert (ran.returncode, ran.stdout) == (0, "served\n")
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert "it is required, so traces are not exported" in ran.stderr
    assert receiver.store.spans() == []
    assert [point.name for point in receiver.store.points()] == ["payments"]


def test_explain_and_doctor_say_it():
    env = {"DISTROKIT_REQUIRED": "cards", "OTEL_TRACES_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "console"}
    explained = run([sys.executable, "-m", "distrokit", "explain"], env)
    data = json.loads(run([sys.executable, "-m", "distrokit", "explain", "--json"], env).stdout)
    examined = run([sys.executable, "-m", "distrokit", "doctor", "--offline"], env)

    assert "not exported" in explained.stdout
    assert "required processor cards is missing" in explained.stdout
    assert data["signals"]["traces"]["withheld"] == "required processor cards is missing"
    assert examined.returncode == 1
    assert "required-missing" in examined.stdout
