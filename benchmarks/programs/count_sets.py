"""Adds to a counter with a number of attribute sets; prints the time of an addition, and its peak memory at the end.

Under distrokit's launcher, or by itself with OpenTelemetry's SDK as its documentation sets it up: an exporter behind a
periodic reader.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from opentelemetry import metrics

from benchmarks.programs.items import make_counter
from benchmarks.programs.results import finish

_FLUSH_MILLIS = 300_000


def set_up_sdk() -> None:
    """Make the process's meter provider with the SDK alone."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=300), export_timeout_millis=_FLUSH_MILLIS)
    metrics.set_meter_provider(MeterProvider([reader]))


def main() -> None:
    """Add, and export."""
    way, additions, sets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if way == "sdk":
        set_up_sdk()
    counter = make_counter()
    # Whatever the first addition starts is not measured.
    counter.add(1, {"kind": "order", "user": 0})
    begin, wall = time.process_time(), time.perf_counter()
    for number in range(1, additions):
        counter.add(1, {"kind": "order", "user": number % sets})
    cpu, wall = time.process_time() - begin, time.perf_counter() - wall
    # The SDK's shutdown leaves an export that takes longer than 30 seconds.
    provider: Any = metrics.get_meter_provider()
    provider.force_flush(timeout_millis=_FLUSH_MILLIS)
    finish(cpu_us=cpu / additions * 1e6, wall_us=wall / additions * 1e6, recorded=additions)


main()
