"""What a plugin's author writes, checked by mypy and pyright: public names only, no ignores, strict."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.instrumentation.propagators import TraceResponsePropagator
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.trace.sampling import Sampler as SDKSampler
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from distrokit import (
    BuildContext,
    Check,
    Command,
    EntryPoints,
    Exporter,
    ExporterOptions,
    InstrumentationPlan,
    Pipeline,
    Plan,
    Processor,
    Propagator,
    Reader,
    ResourceDetector,
    ResponsePropagator,
    Sampler,
    Settings,
    Signal,
    Value,
    hookimpl,
)
from distrokit.testing import (
    Log,
    Metric,
    Ran,
    Span,
    check_plugin,
    in_memory,
    instrumented,
    planned,
    restored_globals,
)
from distrokit.testing.fixtures import MakesTelemetry

TRACES: Signal = "traces"


def parameters(reader: Reader) -> Mapping[str, Value[Any]]:
    return {
        "endpoint": reader.text(("ACME_ENDPOINT",), "http://localhost:1"),
        "size": reader.integer("ACME_SIZE", 5, minimum=1),
        "mode": reader.choice("ACME_MODE", ("fast", "slow"), "fast"),
        "on": reader.flag("ACME_ON", True),
    }


def make_exporter(options: ExporterOptions) -> SpanExporter:
    options.headers["x"] = str(options.arguments["size"])
    return ConsoleSpanExporter()


def make_redactor(context: BuildContext) -> Callable[[ReadableSpan], ReadableSpan | None]:
    def redact(span: ReadableSpan) -> ReadableSpan | None:
        return span if context.arguments else None

    return redact


def make_sampler(context: BuildContext) -> SDKSampler:
    return ALWAYS_ON


@hookimpl
def distrokit_exporters(entry_points: EntryPoints) -> list[Exporter]:
    return [Exporter("acme", TRACES, make_exporter, parameters)]


@hookimpl(trylast=True)
def distrokit_processors() -> list[Processor]:
    return [Processor("redact", ("traces",), "transform", make_redactor, exporters=("otlp/archive",))]


@hookimpl
def distrokit_response_propagators() -> list[ResponsePropagator]:
    return [ResponsePropagator("acme", lambda context: TraceResponsePropagator(), default=False)]


@hookimpl
def distrokit_views(settings: Settings) -> list[dict[str, Any]]:
    return [{"selector": {"instrument_name": settings.get("ACME")}, "stream": {"aggregation": {"drop": {}}}}]


@hookimpl
def distrokit_samplers() -> list[Sampler]:
    return [Sampler("acme", make_sampler)]


@hookimpl
def distrokit_resource() -> list[ResourceDetector]:
    return [ResourceDetector("acme", lambda: {"acme": [1, 2]})]


@hookimpl
def distrokit_plan(plan: Plan) -> None:
    plan.add_propagator(Propagator("acme", lambda context: TraceContextTextMapPropagator()))
    plan.signals["traces"].processors.clear()


@hookimpl
def distrokit_checks(plan: Plan) -> list[Check]:
    return [Check("acme", "ok", plan.settings.get("ACME", "fine"))]


@hookimpl
def distrokit_commands() -> list[Command]:
    return [Command("acme", "does it", lambda arguments: 0)]


def mine(number: int) -> None:
    """Not an instrumentor; whatever is called and has ``instrument``."""


def distrokit_plan_of(instrumentations: dict[str, InstrumentationPlan]) -> None:
    instrumentations["mine"] = InstrumentationPlan("mine", replacement=mine, init_options={"number": 1})
    instrumentations["flask"].options["request_hook"] = "acme_hooks:tag"
    instrumentations["flask"].enabled = True


def test_plan() -> None:
    plan = planned({"acme": object()}, {"ACME_SIZE": "2"}, installed=True)
    assert not plan.problems
    assert [exporter.exporter.name for exporter in plan.signals[TRACES].exporters] == ["acme"]


def test_memory(distrokit_telemetry: MakesTelemetry) -> None:
    with in_memory([types], {}) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("s").end()
        telemetry.meter_provider.get_meter("m").create_counter("c").add(1)
        spans: list[Span] = telemetry.spans()
        metrics: list[Metric] = telemetry.metrics(exporter="acme")
        logs: list[Log] = distrokit_telemetry(installed=True).logs()
        assert (spans[0].parent, metrics[0].value, logs[0].body) == (None, 1, "x")
        assert telemetry.exporters[0].headers["x"]


def test_process() -> None:
    ran: Ran = instrumented("pass", {"ACME_SIZE": "1"}, files={"x.py": ""}, path=["."], command=["distrokit", "run"])
    with restored_globals():
        assert ran.returncode == 0
    check_plugin(types, "acme", environ={"ACME_SIZE": "1"}, timeout_seconds=5)


@hookimpl
def distrokit_started(pipeline: Pipeline) -> None:
    if pipeline.tracer_provider is not None:
        pipeline.tracer_provider.get_tracer("acme").start_span("started").end()
    flushed: bool = pipeline.flush(timeout_millis=1000)
    assert flushed
    pipeline.set_log_level(10)
