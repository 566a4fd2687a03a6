"""``DISTROKIT_TRACE_HOOKS``: prints each call of a hook: its owner, its duration and the type of the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from distrokit.diagnostics import write
from distrokit.plugins.candidates import Plugin

SETTING = "DISTROKIT_TRACE_HOOKS"


def call_traced(plugin: Plugin, hook: str, call: Callable[[], Any]) -> Any:
    """Make a call and print a line about it, without arguments and values, which may be secret."""
    begin, result = time.perf_counter(), ""
    try:
        value = call()
        result = f"→ {_kind(value)}"
        return value
    except BaseException as error:
        result = f"raised {type(error).__name__}"
        raise
    finally:
        took = (time.perf_counter() - begin) * 1000
        write(f"distrokit: hook {hook}: {plugin.title}, {took:.2f} ms, {result}")


def _kind(value: Any) -> str:
    """Return the type of a result: ``list of 3 Exporter``, ``dict of 4``, ``None``, ``Configuration``."""
    if isinstance(value, list):
        kinds = sorted({type(item).__name__ for item in value})
        return f"list of {len(value)} {'/'.join(kinds)}".rstrip()
    return f"dict of {len(value)}" if isinstance(value, dict) else "None" if value is None else type(value).__name__
