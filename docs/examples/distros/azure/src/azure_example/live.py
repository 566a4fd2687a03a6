"""Observes CPU and memory of the running process; stands for live metrics and performance counters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation


class LiveMetrics:
    """Gauges, from the start of the pipeline to its end."""

    def __init__(self, meter: Meter) -> None:
        self._stopped = False
        meter.create_observable_gauge("azure_example.process.cpu", [self._while_live(time.process_time)], "s")
        meter.create_observable_gauge("azure_example.process.threads", [self._while_live(threading.active_count)])

    def stop(self) -> None:
        """From here on nothing is observed."""
        self._stopped = True

    def _while_live(self, value: Callable[[], float]) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observed(options: CallbackOptions) -> Iterable[Observation]:
            return () if self._stopped else (Observation(value()),)

        return observed
