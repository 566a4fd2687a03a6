"""Builds the SDK objects of a plan through public SDK API; each factory is called under guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

from distrokit.declarations import Signal
from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.measure_stage import MeasureStage
from distrokit.pipeline.process_globals import ProcessGlobals
from distrokit.pipeline.runtime_services import RuntimeServices
from distrokit.pipeline.samplers import build_sampler
from distrokit.pipeline.scopes import (
    ScopedLoggerProvider,
    ScopedMeterProvider,
    ScopedTracerProvider,
    Scopes,
    drop_export_records,
)
from distrokit.pipeline.stage_builder import StageBuilder, Staged
from distrokit.pipeline.stages import StagedLogs, StagedSpans
from distrokit.pipeline.transforms import Named, Transforms
from distrokit.pipeline.views import OVERFLOW, make_view
from distrokit.plan.plan import ViewPlan
from distrokit.plan.selection.selection import ScopeRule
from distrokit.settings.values import BUILT_IN


@dataclass
class Providers:
    """The installed providers; ``None`` for those that are not built."""

    traces: TracerProvider | None = None
    metrics: MeterProvider | None = None
    logs: LoggerProvider | None = None

    def all(self) -> list[Any]:
        """Return the providers that were built."""
        return [provider for provider in (self.traces, self.metrics, self.logs) if provider is not None]


class Builder:
    """Builds the providers of one plan, inside ``plan.settings.exposed(plan.sdk_settings)``.

    Tracer and logger provider are made the process's before their exporters are built. So no second pipeline, and none
    of its threads, starts in a process that has a provider already.

    Args:
        components: builds each component; its plan's ``problems`` receive a problem for each part that fails.
        services: what the parts call while the application runs.
        process_globals: receives the providers.
    """

    def __init__(
        self, components: ComponentFactory, services: RuntimeServices, process_globals: ProcessGlobals
    ) -> None:
        self._components, self._services, self._globals = components, services, process_globals
        self._plan, self._report = components.plan, services.report
        self._stages = StageBuilder(components, services)

    def build_traces(self) -> TracerProvider | None:
        """Build and install the tracer provider; also without exporters, as upstream does.

        Log correlation and trace context for other services need its ids.
        """
        planned = self._plan.signals["traces"]
        with self._reported("traces"):
            if planned.built and self._globals.set_provider("traces", provider := self.tracer_provider()):
                staged = self._stages.build_common(planned, SpanProcessor)
                self._fill_spans(provider, staged, self._stages.build_exporters(planned, SpanProcessor))
                return provider
        return None

    def build_metrics(self) -> MeterProvider | None:
        """Build and install the meter provider, if the plan has metric exporters or processors."""
        with self._reported("metrics"):
            if not self._has_parts("metrics") or self._globals.has_meter_provider():
                return None
            provider = self._meter_provider()
            if self._globals.set_provider("metrics", provider):
                return provider
            provider.shutdown()
        return None

    def build_logs(self) -> LoggerProvider | None:
        """Build and install the logger provider, if the plan has log exporters or processors."""
        with self._reported("logs"):
            if self._has_parts("logs") and self._globals.set_provider("logs", provider := self._logger_provider()):
                self._fill_logs(provider)
                return provider
        return None

    def _has_parts(self, signal: Signal) -> bool:
        planned = self._plan.signals[signal]
        # Filters of measurements are no use without a reader.
        processors = [processor for processor in planned.processors if processor.declaration.stage != "measure"]
        return planned.built and bool(planned.exporters or processors)

    @contextmanager
    def _reported(self, signal: Signal) -> Iterator[None]:
        """Report an exception: the SDK's providers read settings themselves, and raise on invalid ones."""
        try:
            yield
        except Exception as error:
            outcome = "this signal is left out, the others work"
            remedy = "Correct the setting that the error names; OTEL_LOG_LEVEL=debug shows where it was read."
            self._failed(signal, error, outcome, remedy, code="signal-failed")

    def tracer_provider(self) -> ScopedTracerProvider:
        """Build the tracer provider with sampler and id generator, still without processors."""
        ids = None
        if self._plan.id_generator:
            ids = self._components.component(self._plan.id_generator, IdGenerator, "random ids are used")
        # Nothing passes before all stages are there.
        no_transforms = Transforms([], ReadableSpan, self._report)
        stages = StagedSpans([], no_transforms, [], [], self._report, self._services.late, withheld=True)
        provider = ScopedTracerProvider(
            stages,
            sampler=build_sampler(self._components, self._plan.sampler),
            id_generator=ids or RandomIdGenerator(),
            resource=self._components.resource,
            shutdown_on_exit=False,
        )
        provider.scopes, provider.guard = self._scopes("traces"), self._services.boundary
        provider.by_sdk = self._plan.tracer.value == "sdk"
        return provider

    def _fill_spans(self, provider: ScopedTracerProvider, staged: Staged, export: list[Named[Any]]) -> None:
        """Put all stages of the traces signal into the provider."""
        withheld = bool(self._plan.signals["traces"].withheld)
        lost = self._stages.transform_loss_counter("traces")
        transforms = Transforms(staged["transform"], ReadableSpan, self._report, lost=lost)
        provider.stages.fill(staged["enrich"], transforms, staged["derive"], export, withheld=withheld)

    def _logger_provider(self) -> ScopedLoggerProvider:
        """Build the logger provider, still without processors."""
        no_transforms = Transforms([], ReadWriteLogRecord, self._report)
        stages = StagedLogs([], no_transforms, [], [], self._report, self._services.late, withheld=True)
        provider = ScopedLoggerProvider(stages, resource=self._components.resource, shutdown_on_exit=False)
        provider.scopes, provider.guard = self._scopes("logs"), self._services.boundary
        return provider

    def _fill_logs(self, provider: ScopedLoggerProvider) -> None:
        """Build all stages of the logs signal, and put them into the provider."""
        planned = self._plan.signals["logs"]
        staged = self._stages.build_common(planned, LogRecordProcessor)
        scopes = provider.scopes
        filters: list[Named[Any]] = [Named("records of exports", drop_export_records)]
        if scopes.filters_records:
            filters.append(Named("logger_configurator/development", scopes.filter_record))
        export = self._stages.build_exporters(planned, LogRecordProcessor)
        lost = self._stages.transform_loss_counter("logs")
        transforms = Transforms([*filters, *staged["transform"]], ReadWriteLogRecord, self._report, lost=lost)
        provider.stages.fill(staged["enrich"], transforms, staged["derive"], export, withheld=bool(planned.withheld))

    def _meter_provider(self) -> ScopedMeterProvider:
        """Build the meter provider with its readers, since the SDK accepts them at construction only."""
        planned = self._plan.signals["metrics"]
        filters = self._stages.build_measure(planned)
        readers = [named.part for named in self._stages.build_exporters(planned, MetricReader)]
        views = self._views(keep=[OVERFLOW] if filters else [])
        provider = ScopedMeterProvider(
            metric_readers=readers,
            resource=self._components.resource,
            views=[view for _, view in views],
            shutdown_on_exit=False,
        )
        lazy_start, measuring = self._services.lazy_start, self._services.measuring
        provider.scopes, provider.measuring = self._scopes("metrics"), measuring
        provider.readers = lazy_start.readers = readers
        # Without instruments that notice measurements, the first meter counts as use.
        provider.on_meter = lazy_start if measuring is None else lazy_start.look
        if measuring is not None:
            self._components.keep(measuring)
            if filters:
                definitions = [plan.definition for plan, _ in views]
                measuring.stage = MeasureStage(filters, definitions, self._report, self._services.say)
                self._components.keep(measuring.stage)
            for reader in readers:
                measuring.reader(reader)
        return provider

    def _views(self, keep: Sequence[str]) -> list[tuple[ViewPlan, View]]:
        """Build the views; each keeps the attributes ``keep``."""
        views = []
        for plan in self._plan.views:
            try:
                views.append((plan, make_view(plan, keep)))
            except Exception as error:
                outcome, remedy = "it is left out; the other views apply", f"Correct {plan.source}."
                self._failed(f"{plan.source} view", error, outcome, remedy)
        return views

    def _scopes(self, signal: Signal) -> Scopes:
        """Return the scope rules of one signal; load upstream's configurator under guard."""
        planned = self._plan.signals[signal]
        if signal == "metrics" and planned.withheld:
            # A reader that the application adds would export what is measured.
            return Scopes([ScopeRule("*", False, BUILT_IN)])
        configurator = None
        if planned.configurator is not None:
            try:
                configurator = planned.configurator.load()
            except Exception as error:
                remedy = "Repair or uninstall its package, or unset the setting."
                self._failed(f"configurator {planned.configurator.name}", error, "every scope is enabled", remedy)
        return Scopes(planned.scopes, configurator)

    def _failed(self, subject: str, error: Exception, outcome: str, remedy: str, *, code: str = "build-failed") -> None:
        """Report a part that is not a component and has no plugin."""
        self._plan.problems.append(
            Problem(
                code=code,
                subject=subject,
                cause=describe_exception(error),
                outcome=outcome,
                remedy=remedy,
                detail=trace_of(error),
            )
        )
