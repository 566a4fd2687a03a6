"""Keeps grpc's C library from writing to stderr by itself.

It logs every failed handshake there, and an error in each turn of its loop once an application has closed its
descriptors: hundreds of thousands of lines. What a failure means is in the line that sums up the losses.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from distrokit import Settings

#: Read by grpc once: while it is imported, or, by older releases, when the first channel is opened.
_VARIABLE = "GRPC_VERBOSITY"


@contextlib.contextmanager
def quiet(settings: Settings) -> Iterator[None]:
    """Set the variable for grpc to read. Afterwards it is gone, since children of the application must not inherit it.

    Nothing is set where the user has set it, or ``GRPC_TRACE``, or asks for debug messages.
    """
    level = settings.get("OTEL_LOG_LEVEL").strip().lower()
    if level in ("debug", "trace") or os.environ.get(_VARIABLE) or os.environ.get("GRPC_TRACE"):
        yield
        return
    os.environ[_VARIABLE] = "NONE"
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)
