"""A signal's provider as distrokit builds it, in this process: stages, batch, exporter, and the tally of what is lost."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from building import builder_of, components_of
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from peers import Peer
from plans import assembled, plugin

from distrokit import Processor


@dataclass
class Piped:
    """What was built.

    Attributes:
        recorded: how many items came to where they are queued.
        said: lines about what did not arrive.
    """

    signal: str
    peer: Peer
    provider: Any = None
    components: Any = None
    recorded: int = 0
    said: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.Lock)

    def count(self, items: int) -> None:
        with self._lock:
            self.recorded += items

    @property
    def lost(self) -> Counter[str]:
        """How many, by reason."""
        return sum((part._losses.totals for part in self.components.parts if hasattr(part, "_losses")), Counter())

    @property
    def arrived(self) -> Counter[str]:
        """Times each id was counted."""
        return self.peer.ledger.ids(self.signal)

    @property
    def batches(self) -> list[Any]:
        """What feeds exporters."""
        return [part for part in self.components.parts if hasattr(part, "force_flush") and not hasattr(part, "_losses")]

    def flush(self, millis: int = 15_000) -> bool:
        """Whether all that was recorded has arrived in this time."""
        # The SDK's provider of meters does not say what its readers answered.
        part = self.batches[-1] if self.signal == "metrics" else self.provider
        return part.force_flush(millis)

    def put(self, *ids: object) -> None:
        """Record an item for each of these ids; of metrics, add 1."""
        for i in ids:
            if self.signal == "traces":
                self.provider.get_tracer("piped").start_span("a span", attributes={"id": str(i)}).end()
            elif self.signal == "logs":
                self.provider.get_logger("piped").emit(body="a record", attributes={"id": str(i)})
            else:
                self.provider.get_meter("piped").create_counter("added").add(1, {"id": str(i)})


class _CountedSpans(SpanProcessor):
    def __init__(self, piped: Piped) -> None:
        self._piped = piped

    def on_end(self, span: Any) -> None:
        self._piped.count(1)


class _CountedRecords(LogRecordProcessor):
    def __init__(self, piped: Piped) -> None:
        self._piped = piped

    def on_emit(self, log_record: Any) -> None:
        self._piped.count(1)

    def shutdown(self) -> None:
        """Nothing to do."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _counting(piped: Piped) -> list[Processor]:
    def points(data: Any) -> None:
        found = (metric for r in data.resource_metrics for s in r.scope_metrics for metric in s.metrics)
        piped.count(sum(len(metric.data.data_points) for metric in found))

    return [
        Processor("counted", "traces", "derive", lambda context: _CountedSpans(piped)),
        Processor("counted", "logs", "derive", lambda context: _CountedRecords(piped)),
        Processor("counted", "metrics", "derive", lambda context: points),
    ]


@contextlib.contextmanager
def piped(
    protocol: str, signal: str, peer: Peer, environ: Mapping[str, str] | None = None, **plugins: object
) -> Iterator[Piped]:
    """The provider of a signal, with these settings; shut down at the end, if it was not before."""
    found = Piped(signal, peer)
    assembly = assembled(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
            **(environ or {}),
        },
        counting=plugin(distrokit_processors=lambda: _counting(found)),
        **plugins,
    )
    plan = assembly.plan
    failures: list[object] = []
    with plan.settings.exposed(dict(plan.sdk_settings)):
        found.components = components_of(assembly, Resource({"service.instance.id": "me"}))
        builder = builder_of(found.components, lambda *fault: failures.append(fault), found.said.append)
        found.provider = getattr(builder, f"build_{signal}")()
    assert plan.problems == []
    try:
        yield found
    finally:
        found.provider.shutdown()
    assert failures == []
