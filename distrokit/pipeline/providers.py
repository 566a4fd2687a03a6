"""The providers of one plan: built, and made the process's globals. The only room that sets OpenTelemetry's globals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.build import Builder
from distrokit.plan.plan import Plan


class Providers:
    """What was built and installed; ``None`` for a signal that is not.

    Each provider is made the global before its exporters are built: when somebody was quicker, there is never a second
    pipeline, not even its threads.

    Args:
        isolated: they are built only, and the process's globals stay what they are.
    """

    def __init__(self, plan: Plan, *, isolated: bool = False) -> None:
        self._plan, self._isolated = plan, isolated
        self.propagator: TextMapPropagator | None = None
        self.response_propagator: Any = None
        self.traces: TracerProvider | None = None
        self.metrics: MeterProvider | None = None
        self.logs: LoggerProvider | None = None

    def all(self) -> list[Any]:
        """Those there are."""
        return [provider for provider in (self.traces, self.metrics, self.logs) if provider is not None]

    def install_propagator(self, builder: Builder) -> None:
        """Make the planned propagators the process's; nothing where the plan leaves them alone."""
        self.propagator = builder.propagator()
        if self.propagator is not None and not self._isolated:
            propagate.set_global_textmap(self.propagator)

    def install_response_propagators(self, builder: Builder) -> None:
        """Make the planned response propagators the process's; what the application has set stays, beside them."""
        if builder.plans_response_propagators:
            # Here, and not above: most plans have none. Its functions carry no types.
            from opentelemetry.instrumentation import propagators

            before = None if self._isolated else propagators.get_global_response_propagator()  # type: ignore[no-untyped-call]
            self.response_propagator = builder.response_propagator(before)
            if self.response_propagator is not None and not self._isolated:
                propagators.set_global_response_propagator(self.response_propagator)  # type: ignore[no-untyped-call]

    @contextmanager
    def _reported(self, signal: str) -> Iterator[None]:
        """The SDK's providers read settings themselves, and raise on what they do not like."""
        try:
            yield
        except Exception as error:
            self._plan.problems.append(
                Problem(
                    code="signal-failed",
                    subject=signal,
                    cause=describe_exception(error),
                    outcome="this signal is left out, the others work",
                    remedy="Correct the setting that is named; OTEL_LOG_LEVEL=debug shows where it was read.",
                    detail=trace_of(error),
                )
            )

    def install_traces(self, builder: Builder) -> None:
        """Build the tracer provider; also without exporters, as upstream does.

        Ids for log correlation and for the next service come from it.
        """
        with self._reported("traces"):
            if not self._plan.signals["traces"].built:
                return
            provider = builder.tracer_provider()
            if self._install("traces", provider, trace.set_tracer_provider, trace.get_tracer_provider):
                builder.add_span_processors(provider)
                self.traces = provider

    def install_metrics(self, builder: Builder) -> None:
        """Build the meter provider, where there is anything to feed."""
        with self._reported("metrics"):
            taken = not self._isolated and self._wanted("metrics") and self._taken_metrics()
            if taken or not self._wanted("metrics"):
                return
            provider = builder.meter_provider()
            if self._install("metrics", provider, metrics.set_meter_provider, metrics.get_meter_provider):
                self.metrics = provider
            else:
                provider.shutdown()

    def install_logs(self, builder: Builder) -> None:
        """Build the logger provider, where there is anything to feed."""
        with self._reported("logs"):
            if not self._wanted("logs"):
                return
            provider = builder.logger_provider()
            if self._install("logs", provider, set_logger_provider, get_logger_provider):
                builder.add_log_processors(provider)
                self.logs = provider

    def _wanted(self, signal: Any) -> bool:
        planned = self._plan.signals[signal]
        return planned.built and bool(planned.exporters or planned.processors)

    def _install(
        self, signal: str, ours: Any, set_global: Callable[[Any], None], get_global: Callable[[], object]
    ) -> bool:
        """Make it the process's; false when somebody was quicker."""
        if self._isolated:
            return True
        set_global(ours)
        current = get_global()
        if ours is not current:
            self._already_set(signal, current)
        return ours is current

    def _taken_metrics(self) -> bool:
        """For metrics the readers exist before the provider does, so this is asked before."""
        current = metrics.get_meter_provider()
        taken = not type(current).__module__.startswith("opentelemetry.metrics")
        if taken:
            self._already_set("metrics", current)
        return taken

    def _already_set(self, signal: str, current: object) -> None:
        self._plan.problems.append(
            Problem(
                code="provider-already-set",
                subject=signal,
                cause=f"the process already has a {type(current).__module__}.{type(current).__qualname__}",
                outcome="that one stays and distrokit builds none for this signal",
                remedy="Let only one of the two configure the process.",
            )
        )
