"""Repairs values that OTLP cannot carry, so that their items are not lost, and logs the first repair of each kind."""

from __future__ import annotations

import logging

from distrokit_otlp.wire.format import FIXED64, LARGEST_64

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")


class Place(str):
    """Where a value is, other than an attribute's key."""

    __slots__ = ()


class Repairs:
    """Repairs the values of one exporter's items.

    Attributes:
        counts: by kind, the number so far.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def count(self, kind: str, where: object) -> None:
        """Count a repair, and log the first of its kind.

        Args:
            kind: what could not be sent, and what is sent instead.
            where: the key of an attribute, or another :class:`Place`; never a value.
        """
        number = self.counts[kind] = self.counts.get(kind, 0) + 1
        if number == 1:
            place = where if isinstance(where, Place) else f"attribute {as_text(where)[:80]!a}"
            _logger.warning("%s: %s; others of this kind are not logged", place, kind)

    def text(self, value: object, where: object) -> bytes:
        """Return a text as UTF-8: of another object its ``str()``; a lone surrogate as an escape; ``None`` as empty."""
        if value is None:
            return b""
        if not isinstance(value, str):
            self.count("not a text, sent as str() shows it", where)
            value = as_text(value)
        try:
            return value.encode()
        except UnicodeEncodeError:
            self.count("a text with a lone surrogate, sent with an escape like \\ud800", where)
            return value.encode("utf-8", "backslashreplace")

    def time(self, tag: bytes, value: object, where: Place) -> bytes:
        """Return the field of a time in nanoseconds that fits into 64 bits; empty for zero and ``None``."""
        if value is None:
            return b""
        nanos = value
        if not isinstance(value, (int, float)) or not 0 <= value <= LARGEST_64:
            self.count("a time outside of the range, sent as the nearest one in it", where)
            nanos = LARGEST_64 if isinstance(value, (int, float)) and value > 0 else 0
        elif not isinstance(value, int):
            self.count("a time that is not a whole number, cut", where)
            nanos = int(value)
        return tag + FIXED64(nanos) if nanos else b""


def as_text(value: object) -> str:
    """Return ``str()`` of an object; its type where that raises."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
