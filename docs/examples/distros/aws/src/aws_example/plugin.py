"""The hooks. What they declare is imported when it is built, and not before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aws_example import instrumentations, parameters, signing
from aws_example.resource import resource
from aws_example.settings import CONTENT, ROWS, SIGNALS, defaults, off
from distrokit import (
    Exporter,
    ExporterOptions,
    IdGenerator,
    Plan,
    Processor,
    Propagator,
    ResourceDetector,
    Sampler,
    Setting,
    Settings,
    hookimpl,
)

if TYPE_CHECKING:
    from distrokit import Pipeline

#: Of what the runtime reports, the last value is of interest, and not how it came about.
LAST_VALUES = ("cpu.utilization", "gc_count", "memory", "thread_count", "context_switches")


def made(module: str, name: str, *, alone: bool = False, **keywords: Any) -> Callable[..., Any]:
    """A factory that imports its module when it is called.

    Args:
        alone: what is made takes no argument.
    """

    def factory(*arguments: Any) -> Any:
        return getattr(import_module(f"aws_example.{module}"), name)(*(() if alone else arguments), **keywords)

    return factory


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Declare the settings of this distro."""
    return list(ROWS)


@hookimpl
def distrokit_defaults(settings: Settings) -> Mapping[str, str]:
    """Return defaults that depend on where the process runs."""
    return defaults(settings)


@hookimpl
def distrokit_resource(settings: Settings) -> Mapping[str, str] | list[ResourceDetector] | None:
    """Where it runs."""
    return resource(settings)


@hookimpl
def distrokit_samplers() -> list[Sampler]:
    """``OTEL_TRACES_SAMPLER=xray``."""
    return [Sampler("xray", made("sampling", "make"), parameters.rules)]


@hookimpl
def distrokit_id_generators() -> list[IdGenerator]:
    """The distro's default."""
    return [IdGenerator("xray", made("xray", "XRayIds", alone=True))]


@hookimpl
def distrokit_propagators() -> list[Propagator]:
    """Among the distro's defaults."""
    return [Propagator("xray", made("xray", "XRayPropagator", alone=True))]


@hookimpl
def distrokit_exporters() -> list[Exporter]:
    """By name, like any other: nothing has to be hidden from anybody's check."""
    return [
        Exporter("awsemf", "metrics", made("emf", "EMFExporter"), parameters.emf),
        # A batch would leave out what is not sampled, and keep a frozen Lambda's spans.
        Exporter("xray_udp", "traces", made("udp", "UDPExporter"), parameters.datagrams, processor="datagrams"),
    ]


@hookimpl
def distrokit_processors(settings: Settings) -> Iterator[Processor]:
    """In the order in which they run."""
    yield Processor("nested", "traces", "enrich", made("spans", "Nested", alone=True))
    yield Processor("starlette", "traces", "transform", made("spans", "make_quiet"))
    yield Processor("redact", ("traces", "logs"), "transform", made("spans", "make_redact"), parameters.redaction)
    if not off(settings, CONTENT):
        yield Processor("content", "traces", "transform", made("spans", "make_content"))
    yield Processor("names", "traces", "transform", made("spans", "make_names"))
    if settings.flag(SIGNALS):
        yield Processor("span-metrics", "traces", "derive", made("signals", "SpanMetrics"))
        ours, others = made("signals", "scope", ours=True), made("signals", "scope", ours=False)
        yield Processor("appsignals", "metrics", "transform", ours, exporters=("otlp/appsignals",))
        yield Processor("all-but-appsignals", "metrics", "transform", others, exporters=("otlp", "awsemf"))
    yield Processor("datagrams", "traces", "export", made("udp", "Datagrams"))


@hookimpl
def distrokit_views() -> list[dict[str, Any]]:
    """Five."""
    last: dict[str, Any] = {"aggregation": {"last_value": {}}}
    return [{"selector": {"instrument_name": f"process.runtime.cpython.{n}"}, "stream": last} for n in LAST_VALUES]


@hookimpl
def distrokit_plan(plan: Plan) -> None:
    """Change the plan where a part depends on another selected one."""
    if plan.settings.flag(SIGNALS):
        plan.wrap_sampler(Sampler("always-record", made("sampling", "AlwaysRecord")))
    instrumentations.choose(plan.instrumentations, plan.settings)
    plan.problems.extend(signing.problems(plan))


@hookimpl
def distrokit_exporter_options(exporter: Exporter, options: ExporterOptions) -> None:
    """Whose requests are signed, and as whom, is decided for each signal and destination."""
    if exporter.name == "otlp":
        signing.sign(options)


@hookimpl
def distrokit_started(pipeline: Pipeline) -> None:
    """The plan knows what was built; nobody has to look for it in a provider."""
    for signal, planned in pipeline.plan.signals.items():
        names = [item.exporter.name for item in planned.exporters]
        logging.getLogger("opentelemetry.aws_example").debug("%s: exported by %s", signal, names)
