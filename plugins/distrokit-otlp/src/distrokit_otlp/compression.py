"""Compression of requests."""

from __future__ import annotations

import zlib
from collections.abc import Callable

#: By measurement: docs/performance.md.
_LEVEL = 2
#: Of zlib: the format of gzip (RFC 1952).
_GZIP = zlib.MAX_WBITS | 16


def _gzip(data: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return compressor.compress(data) + compressor.flush()


#: By name, as the settings have it.
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": _gzip,
    "deflate": lambda data: zlib.compress(data, _LEVEL),
}
