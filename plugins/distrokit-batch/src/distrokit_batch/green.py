"""Whether threads are what they are called, or greenlets of one thread."""

from __future__ import annotations

import sys
from typing import Any


def greenlets() -> bool:
    """Whether gevent or eventlet has taken the place of :mod:`threading`."""
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )
