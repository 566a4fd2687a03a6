"""Builds the providers of one plan and makes them the process's globals, which no other module sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.build import Builder
from distrokit.plan.plan import Plan


class Providers:
    """The installed providers and propagators; ``None`` for those that are not built.

    Tracer and logger provider are made the globals before their exporters are built. So no second pipeline, and none of
    its threads, starts in a process that has a provider already.

    Args:
        isolated: build the providers without changing the process's globals.
    """

    def __init__(self, plan: Plan, *, isolated: bool = False) -> None:
        self._plan, self._isolated = plan, isolated
        self.propagator: TextMapPropagator | None = None
        self.response_propagator: Any = None
        self.traces: TracerProvider | None = None
        self.metrics: MeterProvider | None = None
        self.logs: LoggerProvider | None = None

    def all(self) -> list[Any]:
        """Return the providers that were built."""
        return [provider for provider in (self.traces, self.metrics, self.logs) if provider is not None]

    def install_propagator(self, builder: Builder) -> None:
        """Make the planned propagators the process's; do nothing if the plan does not set any."""
        self.propagator = builder.propagator()
        if self.propagator is not None and not self._isolated:
            propagate.set_global_textmap(self.propagator)

    def install_response_propagators(self, builder: Builder) -> None:
        """Make the planned response propagators the process's, after one that the application has set."""
        if builder.plans_response_propagators:
            # Imported here, since most plans have none. The functions are untyped.
            from opentelemetry.instrumentation import propagators

            present = None if self._isolated else propagators.get_global_response_propagator()  # type: ignore[no-untyped-call]
            self.response_propagator = builder.response_propagator(present)
            if self.response_propagator is not None and not self._isolated:
                propagators.set_global_response_propagator(self.response_propagator)  # type: ignore[no-untyped-call]

    @contextmanager
    def _guard(self, signal: str) -> Iterator[None]:
        """Report an exception: the SDK's providers read settings themselves, and raise on invalid ones."""
        try:
            yield
        except Exception as error:
            self._plan.problems.append(
                Problem(
                    code="signal-failed",
                    subject=signal,
                    cause=describe_exception(error),
                    outcome="this signal is left out, the others work",
                    remedy="Correct the setting that the error names; OTEL_LOG_LEVEL=debug shows where it was read.",
                    detail=trace_of(error),
                )
            )

    def install_traces(self, builder: Builder) -> None:
        """Build the tracer provider; also without exporters, as upstream does.

        Log correlation and trace context for other services need its ids.
        """
        with self._guard("traces"):
            if not self._plan.signals["traces"].built:
                return
            provider = builder.tracer_provider()
            if self._install("traces", provider, trace.set_tracer_provider, trace.get_tracer_provider):
                planned = self._plan.signals["traces"]
                staged = builder.stages.build_common(planned, SpanProcessor)
                builder.add_span_processors(provider, staged, builder.stages.build_exporters(planned, SpanProcessor))
                self.traces = provider

    def install_metrics(self, builder: Builder) -> None:
        """Build the meter provider, if the plan has metric exporters or processors."""
        with self._guard("metrics"):
            exists = not self._isolated and self._has_parts("metrics") and self._meter_provider_exists()
            if exists or not self._has_parts("metrics"):
                return
            provider = builder.meter_provider()
            if self._install("metrics", provider, metrics.set_meter_provider, metrics.get_meter_provider):
                self.metrics = provider
            else:
                provider.shutdown()

    def install_logs(self, builder: Builder) -> None:
        """Build the logger provider, if the plan has log exporters or processors."""
        with self._guard("logs"):
            if not self._has_parts("logs"):
                return
            provider = builder.logger_provider()
            if self._install("logs", provider, set_logger_provider, get_logger_provider):
                builder.add_log_processors(provider)
                self.logs = provider

    def _has_parts(self, signal: Any) -> bool:
        planned = self._plan.signals[signal]
        return planned.built and bool(planned.exporters or planned.processors)

    def _install(
        self, signal: str, ours: Any, set_global: Callable[[Any], None], get_global: Callable[[], object]
    ) -> bool:
        """Make a provider the process's; false if the process has another one already, which is reported."""
        if self._isolated:
            return True
        set_global(ours)
        current = get_global()
        if ours is not current:
            self._report_existing(signal, current)
        return ours is current

    def _meter_provider_exists(self) -> bool:
        """Tell whether the process has a meter provider; checked before our readers, and their threads, exist."""
        current = metrics.get_meter_provider()
        exists = not type(current).__module__.startswith("opentelemetry.metrics")
        if exists:
            self._report_existing("metrics", current)
        return exists

    def _report_existing(self, signal: str, current: object) -> None:
        self._plan.problems.append(
            Problem(
                code="provider-already-set",
                subject=signal,
                cause=f"the process already has a {type(current).__module__}.{type(current).__qualname__}",
                outcome="it is kept; distrokit builds none for this signal",
                remedy="Let only one of the two configure the process.",
            )
        )
