"""Encodes spans, log records and metrics as bytes, and decodes them to SDK objects that any exporter accepts.

Why our own JSON and not OTLP: upstream's encoder omits data that other exporters may need (trace flags, the parent's
context, remote links, whether a sum is an integer), logs and drops unknown types, fails a whole batch for one bad item,
and needs protobuf, which users of other exporters have not installed. Why not pickle: a file on disk must not be able
to execute code. With zlib it is smaller than OTLP, and the checksum detects corruption.

A payload holds the items of one batch, and each resource and scope once.
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

_CODECS: dict[Signal, Any] = {"traces": spans, "metrics": metrics, "logs": log_records}

#: Compression level of zlib, 1 to 9: the exporting thread waits for it, and higher levels gain little.
_LEVEL = 1


class Unreadable(Exception):  # noqa: N818  (describes a payload)
    """The payload cannot be decoded."""


@dataclass(frozen=True)
class Payload:
    """An encoded batch.

    Attributes:
        content: the encoded bytes; empty if there is nothing to store.
        items: number of spans, log records or data points in it.
        refused: number of items that could not be encoded.
    """

    content: bytes
    items: int
    refused: int


def encode(signal: Signal, items: Any) -> Payload:
    """Encode a batch, in the shape that ``export`` takes; an item that cannot be encoded is left out."""
    codec, origins = _CODECS[signal], Origins()
    texts: list[str] = []
    stored = refused = 0
    for item, size in codec.pieces(items):
        try:
            texts.append(_text(codec.plain(item, origins)))
            stored += size
        except Exception:
            # An application's values may do anything: a str() that raises, a cycle, a number of a million digits.
            refused += size
    if not texts:
        return Payload(b"", 0, refused)
    resources, scopes = _list(map(_text, origins.resources)), _list(map(_text, origins.scopes))
    whole = f'{{"resources":{resources},"scopes":{scopes},"items":{_list(texts)}}}'
    return Payload(zlib.compress(whole.encode("ascii"), _LEVEL), stored, refused)


def decode(signal: Signal, content: bytes) -> Any:
    """Decode a batch, in the shape that ``export`` takes.

    Raises: :class:`Unreadable`.
    """
    try:
        read = json.loads(zlib.decompress(content))
        return _CODECS[signal].batch(read["items"], OriginsRead(read["resources"], read["scopes"]))
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _text(plain: Any) -> str:
    return json.dumps(plain, separators=(",", ":"))


def _list(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"
