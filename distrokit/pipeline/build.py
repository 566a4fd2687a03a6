"""Builds the SDK objects of a plan through public SDK API; each factory is called under guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

from distrokit.declarations import Signal
from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.components import Components
from distrokit.pipeline.error_boundary import ErrorBoundary
from distrokit.pipeline.lazy_start import LazyStart
from distrokit.pipeline.measuring import Measuring
from distrokit.pipeline.propagation import CompositePropagator
from distrokit.pipeline.sampler_errors import SamplerErrors
from distrokit.pipeline.samplers import build_sampler
from distrokit.pipeline.scopes import (
    ScopedLoggerProvider,
    ScopedMeterProvider,
    ScopedTracerProvider,
    Scopes,
    drop_export_records,
)
from distrokit.pipeline.sdk_messages import SDKMessages
from distrokit.pipeline.signal_stages import Staged, Stages
from distrokit.pipeline.stages import Named, Report, StagedLogs, StagedSpans, Transforms
from distrokit.pipeline.views import make_view
from distrokit.plan.plan import Plan
from distrokit.plugins.manager import Plugins

if TYPE_CHECKING:
    from opentelemetry.instrumentation.propagators import ResponsePropagator


class Builder:
    """Builds the parts of one plan, inside ``plan.settings.exposed(plan.sdk_settings)``.

    Args:
        plan: its ``problems`` receive a problem for each part that cannot be built.
        report: called when a part raises while the application runs.
        say: prints a line about lost items.
        messages: captures OpenTelemetry's log messages; ``None`` for no capture.

    Attributes:
        guard: the error boundary around tracers and loggers; ``None`` for none.
        measuring: the error boundary around meters; ``None`` for none.
        lazy_start: called when the process uses telemetry.
        stages: builds the processors and exporters of each signal.
        parts: the built parts, in build order: an exporter, wrapped by its export monitor, comes before the processor
            that feeds it.
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
        self._report = report
        self.guard: ErrorBoundary | None = None
        self.measuring: Measuring | None = None
        self.lazy_start = LazyStart(self._report_start_failure)
        self.parts: list[Any] = [self.lazy_start]
        self._components = Components(plan, plugins, self.parts)
        self.stages = Stages(plan, self._components, report, say, messages, self.parts, self.lazy_start)

    @property
    def resource(self) -> Resource | None:
        """The process's resource; every factory is given it."""
        return self._components.resource

    @resource.setter
    def resource(self, resource: Resource) -> None:
        self._components.resource = resource

    def name_of(self, part: object) -> str:
        """Return a part's name for reports; empty if no factory made it."""
        return self._components.name_of(part)

    def _report_start_failure(self, reader: object, error: Exception) -> None:
        self._report(self.name_of(reader) or type(reader).__name__, error, "its metrics are not sent")

    # ------------------------------------------------------------------------ providers

    def propagator(self) -> TextMapPropagator | None:
        """Build the planned propagators as one; ``None`` if the plan does not set any."""
        if self._plan.propagators is None:
            return None
        built = [self._components.component(c, TextMapPropagator, "it is left out") for c in self._plan.propagators]
        return CompositePropagator([propagator for propagator in built if propagator is not None])

    @property
    def plans_response_propagators(self) -> bool:
        """True if the plan has response propagators."""
        return bool(self._plan.response_propagators)

    def response_propagator(self, present: ResponsePropagator | None) -> ResponsePropagator | None:
        """Build the planned response propagators as one.

        Args:
            present: the process's current one, which runs first; ``None`` if there is none.

        Returns: ``None`` if none is planned, or none can be built.
        """
        from distrokit.pipeline.response_propagators import compose

        return compose(self._plan, self._components, self._report, present)

    def tracer_provider(self) -> TracerProvider:
        """Build the tracer provider with sampler and id generator, still without processors."""
        ids = None
        if self._plan.id_generator:
            ids = self._components.component(self._plan.id_generator, IdGenerator, "random ids are used")
        provider = ScopedTracerProvider(
            sampler=build_sampler(self._components, self._plan.sampler),
            id_generator=ids or RandomIdGenerator(),
            resource=self.resource,
            shutdown_on_exit=False,
        )
        if self.guard is not None:
            self.guard.deciding = SamplerErrors(self.name_of, self._report)
        provider.scopes, provider.guard = self._scopes("traces"), self.guard
        return provider

    def add_span_processors(self, provider: TracerProvider, staged: Staged, export: list[Named[Any]]) -> None:
        """Add all stages of the traces signal to the provider.

        Args:
            staged: the processors of the first three stages, by stage.
            export: the processors that feed an exporter.
        """
        if any(staged.values()):
            provider.add_span_processor(
                StagedSpans(
                    staged["enrich"],
                    Transforms(
                        staged["transform"],
                        ReadableSpan,
                        self._report,
                        lost=self.stages.transform_loss_counter("traces"),
                    ),
                    staged["derive"],
                    export,
                    self._report,
                )
            )
        else:
            for processor in export:
                provider.add_span_processor(processor.part)

    def logger_provider(self) -> ScopedLoggerProvider:
        """Build the logger provider, still without processors."""
        provider = ScopedLoggerProvider(resource=self.resource, shutdown_on_exit=False)
        provider.scopes, provider.guard = self._scopes("logs"), self.guard
        return provider

    def add_log_processors(self, provider: ScopedLoggerProvider) -> None:
        """Add all stages of the logs signal to the provider."""
        planned = self._plan.signals["logs"]
        staged = self.stages.build_common(planned, LogRecordProcessor)
        scopes = provider.scopes
        filters = [Named("records of exports", drop_export_records)]
        if scopes.filters_records:
            filters.append(Named("logger_configurator/development", scopes.filter_record))
        staged["transform"] = [*filters, *staged["transform"]]
        export = self.stages.build_exporters(planned, LogRecordProcessor)
        provider.add_log_record_processor(
            StagedLogs(
                staged["enrich"],
                Transforms(
                    staged["transform"],
                    ReadWriteLogRecord,
                    self._report,
                    lost=self.stages.transform_loss_counter("logs"),
                ),
                staged["derive"],
                export,
                self._report,
            )
        )

    def meter_provider(self) -> ScopedMeterProvider:
        """Build the meter provider with its readers, since the SDK accepts them at construction only."""
        readers = [named.part for named in self.stages.build_exporters(self._plan.signals["metrics"], MetricReader)]
        provider = ScopedMeterProvider(
            metric_readers=readers, resource=self.resource, views=self._views(), shutdown_on_exit=False
        )
        provider.scopes, provider.measuring = self._scopes("metrics"), self.measuring
        provider.readers = self.lazy_start.readers = readers
        # Without instruments that notice measurements, the first meter counts as use.
        provider.on_meter = self.lazy_start if self.measuring is None else self.lazy_start.look
        if self.measuring is not None:
            self.parts.append(self.measuring)
            for reader in readers:
                self.measuring.reader(reader)
        return provider

    def _views(self) -> list[View]:
        views = []
        for plan in self._plan.views:
            try:
                views.append(make_view(plan))
            except Exception as error:
                outcome, remedy = "it is left out; the other views apply", f"Correct {plan.source}."
                self._failed(f"{plan.source} view", error, outcome, remedy)
        return views

    def _scopes(self, signal: Signal) -> Scopes:
        """Return the scope rules of one signal; load upstream's configurator under guard."""
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
        """Report a part that is not a component and has no plugin."""
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
