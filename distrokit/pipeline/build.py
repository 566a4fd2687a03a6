"""Plan in, SDK objects out, through public SDK API; each factory is called under guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from distrokit.declarations import Signal
from distrokit.delivery import Lost
from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.components import Components, Kind
from distrokit.pipeline.counted import counted
from distrokit.pipeline.guarded import Guard
from distrokit.pipeline.in_use import InUse
from distrokit.pipeline.losses import losses_of
from distrokit.pipeline.scopes import (
    ScopedLoggerProvider,
    ScopedMeterProvider,
    ScopedTracerProvider,
    Scopes,
    not_while_exporting,
)
from distrokit.pipeline.self_metrics import self_metrics_of
from distrokit.pipeline.stages import Named, Report, StagedLogs, StagedMetrics, StagedSpans, Transforms
from distrokit.pipeline.views import make_view
from distrokit.plan import ExporterPlan, Plan, SignalPlan
from distrokit.plugins import Plugins
from distrokit.sdk_messages import SDKMessages


class Builder:
    """Builds the parts of one plan, inside ``plan.settings.exposed(plan.sdk_settings)``.

    Args:
        plan: ``plan.problems`` receives what could not be built.
        report: told when a part raises later, while the application runs.
        say: prints a line about what did not arrive.
        messages: what OpenTelemetry logs; ``None`` where nobody listens.

    Attributes:
        guard: of what the providers hand out; ``None`` for none.
        in_use: called when telemetry is in use in this process.
        parts: every exporter, behind what counts for it, every reader and every processor, in the order they were
            built: an exporter stands before what feeds it.
    """

    def __init__(
        self,
        plan: Plan,
        plugins: Plugins,
        report: Report,
        say: Callable[[str], None],
        messages: SDKMessages | None = None,
    ) -> None:
        self._plan = plan
        self._components = Components(plan, plugins)
        self._report = report
        self._say, self._messages = say, messages
        self._causes: dict[str, str] = {}
        self.guard: Guard | None = None
        self.in_use = InUse()
        self.parts: list[Any] = [self.in_use]

    @property
    def resource(self) -> Resource | None:
        """The process's resource; every factory is given it."""
        return self._components.resource

    @resource.setter
    def resource(self, resource: Resource) -> None:
        self._components.resource = resource

    # ------------------------------------------------------------------------ providers

    def propagator(self) -> TextMapPropagator | None:
        """The composite of the planned propagators; ``None`` when the plan leaves them alone."""
        if self._plan.propagators is None:
            return None
        built = [self._components.component(c, TextMapPropagator, "it is left out") for c in self._plan.propagators]
        return CompositePropagator([propagator for propagator in built if propagator is not None])

    def tracer_provider(self) -> TracerProvider:
        """A provider with sampler and id generator, without processors yet."""
        sampler = ids = None
        if self._plan.sampler:
            sampler = self._components.component(self._plan.sampler, Sampler, "parentbased_always_on is used")
        if self._plan.id_generator:
            ids = self._components.component(self._plan.id_generator, IdGenerator, "random ids are used")
        provider = ScopedTracerProvider(
            # The SDK's own default would read OTEL_TRACES_SAMPLER once more, and complain once more.
            sampler=sampler or DEFAULT_ON,
            id_generator=ids or RandomIdGenerator(),
            resource=self.resource,
            shutdown_on_exit=False,
        )
        provider.scopes, provider.guard = self._scopes("traces"), self.guard
        return provider

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

    def logger_provider(self) -> ScopedLoggerProvider:
        """A provider without processors yet."""
        provider = ScopedLoggerProvider(resource=self.resource, shutdown_on_exit=False)
        provider.scopes, provider.guard = self._scopes("logs"), self.guard
        return provider

    def add_log_processors(self, provider: ScopedLoggerProvider) -> None:
        """Give the provider every stage of the logs signal."""
        planned = self._plan.signals["logs"]
        staged = self._staged(planned, LogRecordProcessor)
        scopes = provider.scopes
        first = [Named("records of exports", not_while_exporting)]
        if scopes.filters_records:
            first.append(Named("logger_configurator/development", scopes.passes))
        staged["transform"] = [*first, *staged["transform"]]
        export = self._export(planned, LogRecordProcessor)
        provider.add_log_record_processor(
            StagedLogs(
                staged["enrich"],
                Transforms(staged["transform"], ReadWriteLogRecord, self._report),
                staged["derive"],
                export,
                self._report,
            )
        )

    def meter_provider(self) -> ScopedMeterProvider:
        """A provider with its readers: the SDK takes them at construction only."""
        readers = [named.part for named in self._export(self._plan.signals["metrics"], MetricReader)]
        provider = ScopedMeterProvider(
            metric_readers=readers, resource=self.resource, views=self._views(), shutdown_on_exit=False
        )
        provider.scopes, provider.guard = self._scopes("metrics"), self.guard
        provider.readers = self.in_use.readers = readers
        provider.on_meter = self.in_use
        return provider

    def _views(self) -> list[View]:
        views = []
        for plan in self._plan.views:
            try:
                views.append(make_view(plan))
            except Exception as error:
                outcome, remedy = "it is left out, the other views count", f"Correct {plan.source}."
                self._failed(f"{plan.source} view", error, outcome, remedy)
        return views

    def _scopes(self, signal: Signal) -> Scopes:
        """The rules of one signal; upstream's configurator is loaded under guard."""
        planned = self._plan.signals[signal]
        configurator = None
        if planned.configurator is not None:
            try:
                configurator = planned.configurator.load()
            except Exception as error:
                remedy = "Repair or uninstall its package, or unset the setting."
                self._failed(f"configurator {planned.configurator.name}", error, "every scope is enabled", remedy)
        return Scopes(planned.scopes, configurator)

    def _failed(self, subject: str, error: Exception, outcome: str, remedy: str) -> None:
        """Report a part that is no component, and so has no plugin."""
        self._plan.problems.append(
            Problem(
                code="build-failed",
                subject=subject,
                cause=describe_exception(error),
                outcome=outcome,
                remedy=remedy,
                detail=trace_of(error),
            )
        )

    # ---------------------------------------------------------------------------- stages

    def _staged(self, planned: SignalPlan, kind: Kind) -> dict[str, list[Named[Any]]]:
        staged: dict[str, list[Named[Any]]] = {"enrich": [], "transform": [], "derive": []}
        for component in planned.processors:
            stage = component.declaration.stage
            expected = Callable if stage == "transform" or planned.signal == "metrics" else kind
            outcome = f"it is left out; {planned.signal} are sent without it"
            part = self._components.component(component, expected, outcome, planned.signal)
            if part is not None:
                self.parts.append(part)
                staged[stage].append(Named(f"{stage} processor {component.name} (plugin {component.plugin})", part))
        return staged

    def _export(self, planned: SignalPlan, kind: Kind) -> list[Named[Any]]:
        staged = self._staged(planned, kind) if planned.signal == "metrics" and planned.processors else None
        built = []
        for item in planned.exporters:
            endpoint = item.exporter.arguments.get("endpoint")
            losses = losses_of(item.exporter.name, planned.signal, endpoint, self._say, self._causes)
            exporter = self._components.exporter(item.exporter, planned.signal, losses.dropped)
            if exporter is None:
                continue
            name = f"exporter {item.exporter.name} (plugin {item.exporter.plugin})"
            if isinstance(exporter, MetricReader):
                if staged:
                    self._components.failed(
                        item.exporter,
                        TypeError("it is scraped, so no processor stands in front of it"),
                        "metrics processors do not apply to it",
                    )
                built.append(Named(name, exporter))
                self.parts.append(exporter)
                continue
            if hasattr(exporter, "attempt"):
                # The SDK's own classes, and exporters that go by them, count by themselves.
                losses.self_metrics = self_metrics_of(
                    self._plan.settings, planned.signal, item.exporter.name, item.exporter.arguments
                )
            exporter = counted(planned.signal, exporter, losses, self._messages, self.in_use)
            self.parts.append(exporter)
            if staged and any(staged.values()):
                before = Transforms([*staged["enrich"], *staged["transform"]], MetricsData, self._report)
                exporter = StagedMetrics(before, staged["derive"], exporter, self._report)
            processor = self._processor(item, exporter, planned.signal, kind, losses.dropped)
            if processor is not None:
                built.append(Named(name, processor))
                self.parts.append(processor)
        return built

    def _processor(self, item: ExporterPlan, exporter: object, signal: Signal, kind: Kind, lost: Lost) -> Any:
        component = item.processor
        if component is None:
            return None
        parts, outcome = self._components, f"{item.exporter.name!r} gets nothing"
        context = parts.context(component, signal, lost)
        return parts.guarded(component, kind, outcome, lambda: component.declaration.factory(exporter, context))
