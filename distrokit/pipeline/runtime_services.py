"""The services that the built parts of a pipeline call while the application runs: reports, lazy start, boundaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from distrokit.pipeline.error_boundary import ErrorBoundary
from distrokit.pipeline.late_processors import LateProcessors
from distrokit.pipeline.lazy_start import LazyStart
from distrokit.pipeline.meter_boundary import MeterBoundary
from distrokit.pipeline.sdk_messages import SDKMessages
from distrokit.pipeline.transforms import ErrorReporter


@dataclass(frozen=True)
class RuntimeServices:
    """The services of one pipeline: its parts report to them and ask them while the application runs.

    Attributes:
        report: receives a part that raised.
        say: prints a line about lost items.
        late: decides about processors that are added later; ``None``: they are members like any other.
        lazy_start: called when the process uses telemetry.
        messages: captures OpenTelemetry's log messages; ``None`` for no capture.
        boundary: the error boundary around tracers and loggers; ``None`` for none.
        measuring: the error boundary around meters; ``None`` for none.
    """

    report: ErrorReporter
    say: Callable[[str], None]
    lazy_start: LazyStart
    messages: SDKMessages | None = None
    boundary: ErrorBoundary | None = None
    measuring: MeterBoundary | None = None
    late: LateProcessors | None = None
