"""Keeps grpc's C library from writing to stderr.

It logs every failed handshake, and an error in each turn of its loop once an application has closed its descriptors:
hundreds of thousands of lines. The summary of losses reports the cause of a failure.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from distrokit import Settings

#: grpc reads it once: when it is imported, or, in older releases, when the first channel is opened.
_VARIABLE = "GRPC_VERBOSITY"


@contextlib.contextmanager
def quiet(settings: Settings) -> Iterator[None]:
    """Set the variable while grpc reads it, and remove it again, since child processes must not inherit it.

    Nothing is set when the user has set it or ``GRPC_TRACE``, or asks for debug messages.
    """
    if settings.log_level == logging.DEBUG or os.environ.get(_VARIABLE) or os.environ.get("GRPC_TRACE"):
        yield
        return
    os.environ[_VARIABLE] = "NONE"
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)
