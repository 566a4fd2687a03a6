"""Records one awkward item, and keeps what the API raised."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from opentelemetry.metrics import Observation


class _Attempts:
    """Calls what may raise, and keeps what it raised."""

    def __init__(self) -> None:
        self.raised: list[Exception] = []

    def __call__(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the call returns; ``None`` when it raised."""
        try:
            return call(*args, **kwargs)
        except Exception as error:
            self.raised.append(error)
            return None


def span(
    provider: Any, id_: str, *, name: Any, attribute: Any, extra: Any, start: Any, end: Any, scope: Any
) -> list[Exception]:
    attempt = _Attempts()
    tracer = attempt(provider.get_tracer, scope)
    span = tracer and attempt(tracer.start_span, name, start_time=start, attributes={"id": id_})
    if span:
        attempt(span.set_attribute, "awkward", attribute)
        for method, *arguments in extra:
            attempt(getattr(span, method), *arguments)
        attempt(span.end, end)
    return attempt.raised


def log(
    provider: Any,
    id_: str,
    *,
    body: Any,
    severity: Any,
    time: Any,
    observed: Any,
    attribute: Any,
    event: Any,
    scope: Any,
) -> list[Exception]:
    attempt = _Attempts()
    logger = attempt(provider.get_logger, scope)
    if logger:
        attempt(
            logger.emit,
            timestamp=time,
            observed_timestamp=observed,
            severity_number=severity[0],
            severity_text=severity[1],
            body=body,
            attributes={"id": id_, "awkward": attribute},
            event_name=event,
        )
    return attempt.raised


def metric(
    provider: Any,
    id_: str,
    *,
    kind: str,
    value: Any,
    attribute: Any,
    name: Any,
    unit: Any,
    description: Any,
    scope: Any,
) -> list[Exception]:
    attempt = _Attempts()
    meter = attempt(provider.get_meter, scope)
    attributes = {"id": id_, "awkward": attribute}
    arguments: dict[str, Any] = {"unit": unit, "description": description}
    if isinstance(name, str) and name:
        # The SDK lets only the first of two instruments with one name observe.
        name = f"{name}.{zlib.crc32(id_.encode())}"
    if kind.startswith("observable"):
        arguments["callbacks"] = [lambda options: [Observation(value, attributes)]]
    instrument = meter and attempt(getattr(meter, f"create_{kind}"), name, **arguments)
    if instrument and not kind.startswith("observable"):
        call = {"histogram": "record", "gauge": "set"}.get(kind, "add")
        attempt(getattr(instrument, call), value, attributes)
    return attempt.raised
