"""One span and one counter, through OpenTelemetry's API."""

from __future__ import annotations

from opentelemetry import metrics, trace


def main() -> None:
    """Record both."""
    with trace.get_tracer("benchmark").start_as_current_span("benchmark.span"):
        metrics.get_meter("benchmark").create_counter("benchmark.counter").add(1)


if __name__ == "__main__":
    main()
