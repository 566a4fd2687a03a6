"""distrokit's OTLP exporters as its plan builds them, in this process, with what they report as lost."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from made import made
from peers import Peer
from plans import assembled

from distrokit import ExportFailure
from distrokit.pipeline.component_factory import ComponentFactory


class _Grpcio(str):
    """The protocol grpc, over grpcio."""

    __slots__ = ()


#: Equal to ``grpc``; :func:`exporting` uses grpcio for it.
GRPCIO = _Grpcio("grpc")


@dataclass
class Exporting:
    """An exporter, whom it sends to, what it reported as lost, and the problems of its plan.

    What is lost: how many, why, and what the receiver said.
    """

    signal: str
    exporter: Any
    peer: Peer
    lost: list[tuple[int, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def attempt(self, ids: Iterable[object], seconds: float = 8.0, **options: Any) -> ExportFailure | None:
        """One try to send items with these ids."""
        return self.exporter.attempt(made(self.signal, ids, **options), seconds)

    @property
    def requests(self) -> int:
        """How many requests with items have come to the receiver."""
        return sum(request.items > 0 for request in self.peer.ledger.requests)

    @property
    def arrived(self) -> Counter[str]:
        """Times each id was counted."""
        return self.peer.ledger.ids(self.signal)

    @property
    def losses(self) -> list[tuple[int, str]]:
        """How many, and why."""
        return [(items, reason) for items, reason, _ in self.lost]

    def left(self, undelivered: ExportFailure | None) -> int:
        """How many items may be tried again."""
        if undelivered is None or not undelivered.items:
            return 0
        if self.signal != "metrics":
            return len(undelivered.items)
        scopes = (scope for resource in undelivered.items.resource_metrics for scope in resource.scope_metrics)
        return sum(len(metric.data.data_points) for scope in scopes for metric in scope.metrics)


@contextlib.contextmanager
def exporting(
    protocol: str, signal: str, peer: Peer, environ: Mapping[str, str] | None = None, **plugins: object
) -> Iterator[Exporting]:
    """The exporter of a signal, with these settings; shut down at the end."""
    assembly = assembled(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": str(protocol),
            **({"DISTROKIT_OTLP_GRPC": "grpcio"} if protocol is GRPCIO else {}),
            "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint,
            **(environ or {}),
        },
        **plugins,
    )
    plan = assembly.plan
    found = Exporting(signal, None, peer)
    (planned,) = plan.signals[signal].exporters
    with plan.settings.exposed(dict(plan.sdk_settings)):
        found.exporter = ComponentFactory(plan, assembly.plugins).exporter(
            planned.exporter, signal, lambda items, reason, cause="": found.lost.append((items, reason, cause))
        )
    assert found.exporter is not None, plan.problems
    found.problems = [str(problem) for problem in plan.problems]
    try:
        yield found
    finally:
        found.exporter.shutdown()
