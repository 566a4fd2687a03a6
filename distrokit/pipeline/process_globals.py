"""OpenTelemetry's globals: the process's providers and propagators, which no other module sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.propagators.textmap import TextMapPropagator

from distrokit.declarations import Signal
from distrokit.diagnostics import Problem

if TYPE_CHECKING:
    from opentelemetry.instrumentation.propagators import ResponsePropagator

_ACCESS: dict[Signal, tuple[Callable[[Any], None], Callable[[], object]]] = {
    "traces": (trace.set_tracer_provider, trace.get_tracer_provider),
    "metrics": (metrics.set_meter_provider, metrics.get_meter_provider),
    "logs": (set_logger_provider, get_logger_provider),
}


class ProcessGlobals:
    """Sets the globals, and reports what another library has set before.

    Args:
        problems: receives a problem for each provider that the process has already.
        isolated: leave the globals alone.
    """

    def __init__(self, problems: list[Problem], *, isolated: bool = False) -> None:
        self._problems, self._isolated = problems, isolated

    def set_propagator(self, propagator: TextMapPropagator) -> None:
        """Make a propagator the process's."""
        if not self._isolated:
            propagate.set_global_textmap(propagator)

    def response_propagator(self) -> ResponsePropagator | None:
        """Return the process's response propagator; ``None`` if there is none."""
        # Imported here, since most plans have none. Its functions are untyped.
        from opentelemetry.instrumentation import propagators

        return None if self._isolated else propagators.get_global_response_propagator()  # type: ignore[no-untyped-call]

    def set_response_propagator(self, propagator: ResponsePropagator) -> None:
        """Make a response propagator the process's."""
        from opentelemetry.instrumentation import propagators

        if not self._isolated:
            propagators.set_global_response_propagator(propagator)  # type: ignore[no-untyped-call]

    def set_provider(self, signal: Signal, provider: Any) -> bool:
        """Make a provider the process's; false if the process has another one already, which is reported."""
        if self._isolated:
            return True
        set_global, get_global = _ACCESS[signal]
        set_global(provider)
        current = get_global()
        if provider is not current:
            self._report_existing(signal, current)
        return provider is current

    def has_meter_provider(self) -> bool:
        """True if another library has set a meter provider; to be asked before readers, and their threads, exist."""
        current = metrics.get_meter_provider()
        exists = not self._isolated and not type(current).__module__.startswith("opentelemetry.metrics")
        if exists:
            self._report_existing("metrics", current)
        return exists

    def _report_existing(self, signal: Signal, current: object) -> None:
        self._problems.append(
            Problem(
                code="provider-already-set",
                subject=signal,
                cause=f"the process already has a {type(current).__module__}.{type(current).__qualname__}",
                outcome="it is kept; distrokit builds none for this signal",
                remedy="Let only one of the two configure the process.",
            )
        )
