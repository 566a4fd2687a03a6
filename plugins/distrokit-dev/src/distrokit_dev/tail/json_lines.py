"""What arrives as JSON, for other programs."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from typing import Any, TextIO

from distrokit_dev.received import Item
from distrokit_dev.tail.filters import Filters, signal_of
from distrokit_dev.tail.totals import Totals

_SINGULAR = {"traces": "span", "metrics": "metric point", "logs": "log record"}


class JsonLines:
    """One object per line, as it arrives: ``signal``, and the fields of what is in ``distrokit_dev.received``.

    Pure ASCII, so that nothing in it moves a cursor; bytes are base64, and what JSON has no number for is text.

    Raises: ``BrokenPipeError`` from :meth:`add` when nobody reads any more.
    """

    def __init__(self, stream: TextIO, filters: Filters, totals: Totals) -> None:
        self._stream, self._filters, self._totals = stream, filters, totals

    def add(self, item: Item, now: float) -> None:
        """Write it, if it passes the filters by itself: there is no waiting for the rest of its trace."""
        signal = signal_of(item)
        if not self._filters.passes(item):
            self._totals.hidden[_SINGULAR[signal]] += 1
            return
        data = {"signal": signal, **_jsonable(dataclasses.asdict(item))}
        self._stream.write(json.dumps(data, allow_nan=False) + "\n")
        self._stream.flush()

    def tick(self, now: float) -> None:
        """Nothing waits."""

    def finish(self) -> None:
        """Nothing is left."""

    def close(self) -> None:
        """Nothing was changed."""


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
