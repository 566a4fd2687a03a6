"""Spans, log records and metrics as bytes, and back as the SDK's own objects, so that any exporter can be given them.

Why JSON of our own and not OTLP: upstream's encoder leaves out what an exporter other than OTLP's may want (the trace
flags, the parent's context, links that are remote, whether a sum is an integer), logs and drops what it does not know,
gives up a whole batch for one bad item, and needs protobuf, which whoever exports by other means has not installed.
Why not pickle: what lies on a disk must not be able to run. zlib makes it smaller than OTLP is, and its checksum finds
what the disk has changed.

One payload holds the items of one batch; resources and scopes stand in it once each.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from distrokit import Signal
from distrokit_spool.payloads import log_records, metrics, spans
from distrokit_spool.payloads.origins import Origins, OriginsRead

_ROOMS: dict[Signal, Any] = {"traces": spans, "metrics": metrics, "logs": log_records}

#: Of zlib, 1 to 9: the exporting thread waits for it, and the levels above gain little.
_LEVEL = 1


class Unreadable(Exception):  # noqa: N818  (what it says is of a payload)
    """These bytes are no payload, or not any more."""


@dataclass(frozen=True)
class Payload:
    """What is stored of one batch.

    Attributes:
        content: empty when there is nothing to store.
        items: how many spans, log records or data points are in it.
        refused: how many could not be written down.
    """

    content: bytes
    items: int
    refused: int


def encode(signal: Signal, items: Any) -> Payload:
    """A batch in the shape in which ``export`` takes it; what cannot be written down costs itself only."""
    room, origins = _ROOMS[signal], Origins()
    texts: list[str] = []
    stored = refused = 0
    for item, size in room.pieces(items):
        try:
            texts.append(_text(room.plain(item, origins)))
            stored += size
        except Exception:
            # Whatever an application has put in there: a str() that raises, a loop, a number of a million digits.
            refused += size
    if not texts:
        return Payload(b"", 0, refused)
    resources, scopes = _list(map(_text, origins.resources)), _list(map(_text, origins.scopes))
    whole = f'{{"resources":{resources},"scopes":{scopes},"items":{_list(texts)}}}'
    return Payload(zlib.compress(whole.encode("ascii"), _LEVEL), stored, refused)


def decode(signal: Signal, content: bytes) -> Any:
    """The batch, in the shape in which ``export`` takes it.

    Raises: :class:`Unreadable`.
    """
    try:
        read = json.loads(zlib.decompress(content))
        return _ROOMS[signal].batch(read["items"], OriginsRead(read["resources"], read["scopes"]))
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def size_of(signal: Signal, items: Any) -> int:
    """How many spans, log records or data points there are."""
    return sum(size for _, size in _ROOMS[signal].pieces(items))


def _text(plain: Any) -> str:
    return json.dumps(plain, separators=(",", ":"))


def _list(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"
