"""OTLP's three services, and what is in a request of one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

#: The id of an item that carries no attribute ``id``.
NO_ID = "?"
#: OTLP's numbers for how the values of a sum or histogram add up.
DELTA, CUMULATIVE = 1, 2


@dataclass(frozen=True)
class Service:
    """One of OTLP's three services: its names, its messages, and where items are in them."""

    signal: str
    path: str
    method: str
    request: type[Message]
    answer: type[Message]
    levels: tuple[str, str, str]
    rejected: str


def _service(signal: str, one: str, leaves: str, rejected: str, module: Any) -> Service:
    return Service(
        signal,
        f"/v1/{signal}",
        f"/opentelemetry.proto.collector.{one.lower()}.v1.{one}Service/Export",
        getattr(module, f"Export{one}ServiceRequest"),
        getattr(module, f"Export{one}ServiceResponse"),
        (f"resource_{leaves}", f"scope_{leaves}", leaves.replace("logs", "log_records")),
        f"rejected_{rejected}",
    )


SERVICES = {
    "traces": _service("traces", "Trace", "spans", "spans", trace_service_pb2),
    "metrics": _service("metrics", "Metrics", "metrics", "data_points", metrics_service_pb2),
    "logs": _service("logs", "Logs", "logs", "log_records", logs_service_pb2),
}


@dataclass(frozen=True)
class Point:
    """One point of a metric. ``value`` is the sum for all kinds of histogram; times are nanoseconds since 1970.

    ``pid`` is the resource's ``process.pid``, ``None`` if it has none; ``temporality`` is 0 where there is no such thing.
    """

    name: str
    value: float
    attributes: dict[str, Any]
    instance: str
    pid: int | None
    start_time: int
    time: int
    kind: str
    count: int = 0
    temporality: int = 0

    @property
    def series(self) -> tuple[object, ...]:
        """What it is a point of; a restart of the count begins another."""
        return self.instance, self.name, repr(sorted(self.attributes.items())), self.start_time

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for two copies of one point."""
        return *self.series, self.time, repr(self.value), self.count


def plain(value: Any) -> Any:
    """An ``AnyValue`` as what it holds; ``None`` when it holds nothing."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Attributes as a dict of plain values."""
    return {pair.key: plain(pair.value) for pair in pairs}


def items(signal: str, message: Any) -> Iterator[tuple[str, Point | None, dict[str, Any]]]:
    """The items of a request in order: id, point where it is one, attributes of its resource."""
    groups, scopes, leaves = SERVICES[signal].levels
    for group in getattr(message, groups):
        resource = attributes(group.resource.attributes)
        for scoped in getattr(group, scopes):
            for leaf in getattr(scoped, leaves):
                if signal == "metrics":
                    for point in _points(leaf, resource):
                        yield str(point.attributes.get("id", NO_ID)), point, resource
                else:
                    named = next((plain(pair.value) for pair in leaf.attributes if pair.key == "id"), NO_ID)
                    yield str(named), None, resource


def _points(metric: Any, resource: dict[str, Any]) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind) if kind else None
    for point in data.data_points if data is not None else ():
        plainly = kind in ("gauge", "sum")
        yield Point(
            name=metric.name,
            value=getattr(point, point.WhichOneof("value") or "as_double") if plainly else point.sum,
            attributes=attributes(point.attributes),
            instance=str(resource.get("service.instance.id", "")),
            pid=resource.get("process.pid"),
            start_time=point.start_time_unix_nano,
            time=point.time_unix_nano,
            kind=str(kind),
            count=0 if plainly else point.count,
            temporality=getattr(data, "aggregation_temporality", 0),
        )


def unpacked(body: bytes, encoding: str) -> bytes:
    """A body without its ``content-encoding``. Raises ``ValueError`` or ``zlib.error``."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise ValueError(f"cannot unpack {encoding}")
    unpacker = zlib.decompressobj(wbits=31 if encoding == "gzip" else 15)
    plain = unpacker.decompress(body)
    if not unpacker.eof:
        raise ValueError(f"{encoding} data ends too early")
    return plain
