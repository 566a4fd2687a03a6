"""Suppresses instrumentation in the calling context, as ``opentelemetry.instrumentation.utils`` does.

That module imports wrapt, and with it asyncio and ssl, which takes about 20 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

#: The keys' private names in ``opentelemetry.context``, and the key that older instrumentations look for.
_NAMES = ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
_PLAIN = "suppress_instrumentation"


@contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """Suppress instrumentation inside of the block: an exporter's requests must not be traced."""
    # Imported here, since this module is part of `from distrokit import *`.
    from opentelemetry.context import Context, attach, detach, get_current

    token = attach(Context({**get_current(), **suppression_marks()}))
    try:
        yield
    finally:
        detach(token)


@cache
def suppression_marks() -> dict[str, object]:
    """Return the values in a context by which instrumentations are suppressed; do not change it."""
    from opentelemetry import context

    keys = [getattr(context, name, None) for name in _NAMES]
    if all(isinstance(key, str) for key in keys):
        return dict.fromkeys([*filter(None, keys), _PLAIN], True)
    # A release without these names has public functions only.
    from opentelemetry.instrumentation import utils

    token = context.attach(context.Context())
    try:
        with utils.suppress_instrumentation(), utils.suppress_http_instrumentation():
            return dict(context.get_current())
    finally:
        context.detach(token)
