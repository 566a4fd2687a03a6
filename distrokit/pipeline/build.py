"""Plan in, SDK objects out, through public SDK API; each factory is called under guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
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
    not_while_exporting,
)
from distrokit.pipeline.sdk_messages import SDKMessages
from distrokit.pipeline.signal_stages import Stages
from distrokit.pipeline.stages import Named, Report, StagedLogs, StagedSpans, Transforms
from distrokit.pipeline.views import make_view
from distrokit.plan.plan import Plan
from distrokit.plugins.manager import Plugins

if TYPE_CHECKING:
    from opentelemetry.instrumentation.propagators import ResponsePropagator


class Builder:
    """Builds the parts of one plan, inside ``plan.settings.exposed(plan.sdk_settings)``.

    Args:
        plan: ``plan.problems`` receives what could not be built.
        report: told when a part raises later, while the application runs.
        say: prints a line about what did not arrive.
        messages: what OpenTelemetry logs; ``None`` where nobody listens.

    Attributes:
        guard: of what the providers of traces and logs hand out; ``None`` for none.
        measuring: the guard of meters; ``None`` for none.
        in_use: called when telemetry is in use in this process.
        parts: everything that factories have made, in the order it was built: exporters, behind what counts for them,
            before what feeds them.
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
        self.lazy_start = LazyStart(self._not_begun)
        self.parts: list[Any] = [self.lazy_start]
        self._components = Components(plan, plugins, self.parts)
        self._stages = Stages(plan, self._components, report, say, messages, self.parts, self.lazy_start)

    @property
    def resource(self) -> Resource | None:
        """The process's resource; every factory is given it."""
        return self._components.resource

    @resource.setter
    def resource(self, resource: Resource) -> None:
        self._components.resource = resource

    def name_of(self, part: object) -> str:
        """What a report calls a part; empty for what no factory has made."""
        return self._components.name_of(part)

    def _not_begun(self, reader: object, error: Exception) -> None:
        self._report(self.name_of(reader) or type(reader).__name__, error, "its metrics are not sent")

    # ------------------------------------------------------------------------ providers

    def propagator(self) -> TextMapPropagator | None:
        """The composite of the planned propagators; ``None`` when the plan leaves them alone."""
        if self._plan.propagators is None:
            return None
        built = [self._components.component(c, TextMapPropagator, "it is left out") for c in self._plan.propagators]
        return CompositePropagator([propagator for propagator in built if propagator is not None])

    @property
    def plans_response_propagators(self) -> bool:
        """Whether there are any to build."""
        return bool(self._plan.response_propagators)

    def response_propagator(self, present: ResponsePropagator | None) -> ResponsePropagator | None:
        """The planned response propagators as one, after the one that the process has; ``None`` when there is none."""
        from distrokit.pipeline.response_propagators import compose

        return compose(self._plan, self._components, self._report, present)

    def tracer_provider(self) -> TracerProvider:
        """A provider with sampler and id generator, without processors yet."""
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

    def add_span_processors(self, provider: TracerProvider) -> None:
        """Give the provider every stage of the traces signal."""
        planned = self._plan.signals["traces"]
        staged = self._stages.before_exporters(planned, SpanProcessor)
        export = self._stages.exporting(planned, SpanProcessor)
        if any(staged.values()):
            provider.add_span_processor(
                StagedSpans(
                    staged["enrich"],
                    Transforms(
                        staged["transform"],
                        ReadableSpan,
                        self._report,
                        lost=self._stages.lost_by_transforms("traces"),
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
        """A provider without processors yet."""
        provider = ScopedLoggerProvider(resource=self.resource, shutdown_on_exit=False)
        provider.scopes, provider.guard = self._scopes("logs"), self.guard
        return provider

    def add_log_processors(self, provider: ScopedLoggerProvider) -> None:
        """Give the provider every stage of the logs signal."""
        planned = self._plan.signals["logs"]
        staged = self._stages.before_exporters(planned, LogRecordProcessor)
        scopes = provider.scopes
        first = [Named("records of exports", not_while_exporting)]
        if scopes.filters_records:
            first.append(Named("logger_configurator/development", scopes.passes))
        staged["transform"] = [*first, *staged["transform"]]
        export = self._stages.exporting(planned, LogRecordProcessor)
        provider.add_log_record_processor(
            StagedLogs(
                staged["enrich"],
                Transforms(
                    staged["transform"], ReadWriteLogRecord, self._report, lost=self._stages.lost_by_transforms("logs")
                ),
                staged["derive"],
                export,
                self._report,
            )
        )

    def meter_provider(self) -> ScopedMeterProvider:
        """A provider with its readers: the SDK takes them at construction only."""
        readers = [named.part for named in self._stages.exporting(self._plan.signals["metrics"], MetricReader)]
        provider = ScopedMeterProvider(
            metric_readers=readers, resource=self.resource, views=self._views(), shutdown_on_exit=False
        )
        provider.scopes, provider.measuring = self._scopes("metrics"), self.measuring
        provider.readers = self.lazy_start.readers = readers
        # Where nobody sees measurements, a meter has to do.
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
