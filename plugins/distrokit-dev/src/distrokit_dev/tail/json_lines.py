"""Prints items as JSON, for other programs."""

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
    """Prints one object per line: ``signal``, and the fields of the classes in ``distrokit_dev.received``.

    ASCII only, so that no text controls the terminal; bytes are base64; NaN and infinity are strings.

    Raises: ``BrokenPipeError`` from :meth:`add` if the stream is closed.
    """

    def __init__(self, stream: TextIO, filters: Filters, totals: Totals) -> None:
        self._stream, self._filters, self._totals = stream, filters, totals

    def add(self, item: Item, now: float) -> None:
        """Print an item if it passes the filters by itself; do not wait for the rest of its trace."""
        signal = signal_of(item)
        if not self._filters.passes(item):
            self._totals.hidden[_SINGULAR[signal]] += 1
            return
        data = {"signal": signal, **_jsonable(dataclasses.asdict(item))}
        self._stream.write(json.dumps(data, allow_nan=False) + "\n")
        self._stream.flush()

    def tick(self, now: float) -> None:
        """Do nothing: no item is buffered."""

    def finish(self) -> None:
        """Do nothing: no item is buffered."""

    def close(self) -> None:
        """Do nothing: the terminal was not changed."""


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
