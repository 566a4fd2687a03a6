"""Compression of requests."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

#: By measurement: docs/performance.md.
_LEVEL = 2
#: By name, as the settings have it.
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda data: gzip.compress(data, _LEVEL, mtime=0),
    "deflate": lambda data: zlib.compress(data, _LEVEL),
}
