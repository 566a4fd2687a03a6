"""Plan in, SDK objects out, through public SDK API; each factory is called under guard."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import fields
from typing import Any, TypeAlias

from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from distrokit.declarations import BuildContext, Exporter, ExporterOptions, Signal
from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.pipeline.stages import Named, Report, StagedLogs, StagedMetrics, StagedSpans, Transforms
from distrokit.plan import Component, ExporterPlan, Plan, SignalPlan
from distrokit.plugins import Plugins
from distrokit.settings import Value

#: What ``isinstance`` takes. Not ``type[T]``: that admits neither the SDK's abstract classes nor ``Callable``.
Kind: TypeAlias = Any

_EXPORTER_TYPES: dict[Signal, tuple[type[Any], ...]] = {
    "traces": (SpanExporter,),
    "metrics": (MetricExporter, MetricReader),
    "logs": (LogRecordExporter,),
}
_OPTION_FIELDS = {f.name for f in fields(ExporterOptions)} - {"name", "signal", "arguments", "settings", "resource"}


class Builder:
    """Builds the parts of one plan, inside ``plan.settings.exposed(plan.sdk_settings)``.

    Args:
        plan: ``plan.problems`` receives what could not be built.
        report: told when a part raises later, while the application runs.
    """

    def __init__(self, plan: Plan, plugins: Plugins, report: Report) -> None:
        self._plan = plan
        self._plugins = plugins
        self._report = report
        self._amended_by: list[str] = []
        self.resource: Resource | None = None

    # ------------------------------------------------------------------------ providers

    def propagator(self) -> TextMapPropagator | None:
        """The composite of the planned propagators; ``None`` when the plan leaves them alone."""
        if self._plan.propagators is None:
            return None
        built = [self._component(c, TextMapPropagator, "it is left out") for c in self._plan.propagators]
        return CompositePropagator([propagator for propagator in built if propagator is not None])

    def tracer_provider(self) -> TracerProvider:
        """A provider with sampler and id generator, without processors yet."""
        sampler = ids = None
        if self._plan.sampler:
            sampler = self._component(self._plan.sampler, Sampler, "parentbased_always_on is used")
        if self._plan.id_generator:
            ids = self._component(self._plan.id_generator, IdGenerator, "random ids are used")
        return TracerProvider(
            # The SDK's own default would read OTEL_TRACES_SAMPLER once more, and complain once more.
            sampler=sampler or DEFAULT_ON,
            id_generator=ids or RandomIdGenerator(),
            resource=self.resource,
            shutdown_on_exit=False,
        )

    def add_span_processors(self, provider: TracerProvider) -> None:
        """Give the provider every stage of the traces signal."""
        planned = self._plan.signals["traces"]
        staged = self._staged(planned, SpanProcessor)
        export = self._export(planned, SpanProcessor)
        if any(staged.values()):
            provider.add_span_processor(
                StagedSpans(
                    staged["enrich"],
                    Transforms(staged["transform"], ReadableSpan, self._report),
                    staged["derive"],
                    export,
                    self._report,
                )
            )
        else:
            for processor in export:
                provider.add_span_processor(processor.part)

    def logger_provider(self) -> LoggerProvider:
        """A provider without processors yet."""
        return LoggerProvider(resource=self.resource, shutdown_on_exit=False)

    def add_log_processors(self, provider: LoggerProvider) -> None:
        """Give the provider every stage of the logs signal."""
        planned = self._plan.signals["logs"]
        staged = self._staged(planned, LogRecordProcessor)
        export = self._export(planned, LogRecordProcessor)
        if any(staged.values()):
            provider.add_log_record_processor(
                StagedLogs(
                    staged["enrich"],
                    Transforms(staged["transform"], ReadWriteLogRecord, self._report),
                    staged["derive"],
                    export,
                    self._report,
                )
            )
        else:
            for processor in export:
                provider.add_log_record_processor(processor.part)

    def meter_provider(self) -> MeterProvider:
        """A provider with its readers: the SDK takes them at construction only."""
        readers = [named.part for named in self._export(self._plan.signals["metrics"], MetricReader)]
        return MeterProvider(metric_readers=readers, resource=self.resource, shutdown_on_exit=False)

    # ---------------------------------------------------------------------------- stages

    def _staged(self, planned: SignalPlan, kind: Kind) -> dict[str, list[Named[Any]]]:
        staged: dict[str, list[Named[Any]]] = {"enrich": [], "transform": [], "derive": []}
        for component in planned.processors:
            stage = component.declaration.stage
            expected = Callable if stage == "transform" or planned.signal == "metrics" else kind
            outcome = f"it is left out; {planned.signal} are sent without it"
            part = self._component(component, expected, outcome, planned.signal)
            if part is not None:
                staged[stage].append(Named(f"{stage} processor {component.name} (plugin {component.plugin})", part))
        return staged

    def _export(self, planned: SignalPlan, kind: Kind) -> list[Named[Any]]:
        staged = self._staged(planned, kind) if planned.signal == "metrics" and planned.processors else None
        built = []
        for item in planned.exporters:
            exporter = self._exporter(item, planned.signal)
            if exporter is None:
                continue
            name = f"exporter {item.exporter.name} (plugin {item.exporter.plugin})"
            if isinstance(exporter, MetricReader):
                if staged:
                    self._failed(
                        item.exporter,
                        TypeError("it is scraped, so no processor stands in front of it"),
                        "metrics processors do not apply to it",
                    )
                built.append(Named(name, exporter))
                continue
            if staged and any(staged.values()):
                before = Transforms([*staged["enrich"], *staged["transform"]], MetricsData, self._report)
                exporter = StagedMetrics(before, staged["derive"], exporter, self._report)
            processor = self._processor(item, exporter, planned.signal, kind)
            if processor is not None:
                built.append(Named(name, processor))
        return built

    def _processor(self, item: ExporterPlan, exporter: object, signal: Signal, kind: Kind) -> Any:
        component = item.processor
        if component is None:
            return None
        context = self._context(component, signal)
        outcome = f"{item.exporter.name!r} gets nothing"
        return self._guarded(component, kind, outcome, lambda: component.declaration.factory(exporter, context))

    # ------------------------------------------------------------------------- exporters

    def _exporter(self, item: ExporterPlan, signal: Signal) -> Any:
        component = item.exporter
        kinds = _EXPORTER_TYPES[signal]

        def build() -> object:
            options = self._options(component, signal)
            with self._plan.settings.exposed(dict.fromkeys(component.declaration.hides)):
                return component.declaration.factory(options)

        return self._guarded(component, kinds, "it is left out", build)

    def _options(self, component: Component[Exporter], signal: Signal) -> ExporterOptions:
        arguments = component.arguments
        known = {name: arguments.pop(name) for name in list(arguments) if name in _OPTION_FIELDS}
        if "headers" in known:
            known["headers"] = dict(known["headers"])
        options = ExporterOptions(
            name=component.name,
            signal=signal,
            settings=self._plan.settings,
            resource=self.resource,
            arguments=arguments,
            **known,
        )
        self._amended_by = []
        for plugin in self._plugins.implementing("distrokit_exporter_options"):
            amended = copy(options)
            amended.headers, amended.arguments = dict(options.headers), dict(options.arguments)
            if not self._plugins.exporter_options(plugin, component.declaration, amended):
                continue
            if isinstance(amended.headers, dict) and isinstance(amended.arguments, dict):
                if amended != options:
                    self._amended_by.append(plugin.label)
                options = amended
            else:
                error = TypeError("options.headers and options.arguments are dicts, and stay so")
                self._plugins.leave_out(plugin, "distrokit_exporter_options", error)
        return options

    # ------------------------------------------------------------------------------ guard

    def _context(self, component: Component[Any], signal: Signal | None) -> BuildContext:
        return BuildContext(
            name=component.name,
            signal=signal,
            arguments=component.arguments,
            settings=self._plan.settings,
            resource=self.resource,
        )

    def _component(self, component: Component[Any], kind: Kind, outcome: str, signal: Signal | None = None) -> Any:
        context = self._context(component, signal)
        return self._guarded(component, kind, outcome, lambda: component.declaration.factory(context))

    def _guarded(self, component: Component[Any], kind: Kind, outcome: str, build: Callable[[], object]) -> Any:
        try:
            part = build()
            if not isinstance(part, kind):
                expected = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
                raise TypeError(f"the factory returned {type(part).__name__}, expected {expected}")
            return part
        except BaseException as error:
            contain(error)
            self._failed(component, error, outcome)
            return None

    def _failed(self, component: Component[Any], error: BaseException, outcome: str) -> None:
        what = type(component.declaration).__name__
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        self._plan.problems.append(
            Problem(
                code="build-failed",
                subject=f"{_words(what)} {component.name} (plugin {component.plugin})",
                cause=describe_exception(error),
                outcome=outcome,
                remedy=f"Install the package that has {missing!r}."
                if missing
                else _remedy(component, error, self._amended_by),
                detail=trace_of(error),
            )
        )


def _remedy(component: Component[Any], error: BaseException, amended_by: list[str]) -> str:
    """Where to look: plugins that changed its options, else the settings it was made from."""
    if isinstance(component.declaration, Exporter) and amended_by:
        return f"Its options were changed by plugin {', '.join(amended_by)}: look there first."
    chosen = [value for value in component.parameters.values() if value.source.kind == "environment"]
    if isinstance(error, OSError) and error.filename is not None:
        chosen = [value for value in chosen if str(value.value) == str(error.filename)] or chosen
    elif component.source.kind == "environment":
        chosen = [Value("", component.source), *chosen]
    names = ", ".join(dict.fromkeys(str(value.source) for value in chosen))
    return f"Correct {names}." if names else f"It is the {component.source}; repair or block plugin {component.plugin}."


def _words(name: str) -> str:
    """``IdGenerator`` as ``id generator``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
