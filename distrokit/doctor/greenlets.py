"""The checks for gevent and eventlet: does the program use them, and which part of the pipeline conflicts with them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from distrokit.declarations import Check
from distrokit.plan.plan import Plan

_GREEN = ("gevent", "eventlet")
_PATCH = "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"
#: Instrumentations that import their library, and with it urllib3, when they are applied at the start. A urllib3 that
#: is imported before gevent patches ssl recurses without end (https://github.com/gevent/gevent/issues/1016).
_IMPORT_URLLIB3 = ("requests", "urllib3", "botocore", "elasticsearch")
#: Largest program file that is read, in bytes.
_LARGEST = 1_000_000


def check_gevent(words: Sequence[str], plan: Plan, instead_of_grpcio: str) -> Iterator[Check]:
    """Run the checks.

    Args:
        words: the command line.
        instead_of_grpcio: the remedy that replaces grpcio; empty if nothing is sent by grpcio.
    """
    asked = plan.settings.get(_PATCH) or os.environ.get(_PATCH, "")
    if asked and find_spec("gevent") is None:
        yield Check("gevent", "fail", f"{_PATCH}={asked}, and gevent is not installed", f"unset {_PATCH}")
        return
    found = next((name for name in _GREEN if name in sys.modules or any(_is(name, word) for word in words)), "")
    found = found or _find_patch(words)
    if not found:
        evidence = "neither gevent nor eventlet is on the command line or in the program's file"
        yield Check("gevent", "ok", evidence)
        return
    on = [name for name, item in plan.instrumentations.items() if item.enabled]
    too_early = [name for name in _IMPORT_URLLIB3 if name in on]
    early = found == "gevent" and bool(too_early) and asked != "patch_all" and not plan.lazy.value
    if early:
        evidence = (
            f"gevent is in use, and the instrumentation of {', '.join(too_early)} imports urllib3 before gevent patches"
            " ssl; requests over TLS end in a RecursionError"
        )
        yield Check("gevent", "warn", evidence, "unset DISTROKIT_LAZY DISTROKIT_STRICT")
    if instead_of_grpcio:
        yield Check("gevent", "warn", f"{found} is in use, and grpcio blocks its event loop", instead_of_grpcio)
    elif not early:
        yield Check("gevent", "ok", f"{found} is in use; libraries and exporters are imported when they are used")


def _is(name: str, word: str) -> bool:
    """True for ``gevent``, ``--worker-class=gevent``, ``-kgevent``, ``geventwebsocket.gunicorn.…``; not for a file."""
    value = word.rpartition("=")[2].removeprefix("-k")
    return value == name or (value.startswith(f"{name}websocket.") and "/" not in value)


def _find_patch(words: Sequence[str]) -> str:
    """Return the library that the program's own file patches with; empty if it does not patch."""
    for word in words:
        path = Path(word)
        with suppress(OSError, ValueError):
            if path.suffix == ".py" and path.is_file() and path.stat().st_size <= _LARGEST:
                text = path.read_text(encoding="utf-8", errors="replace")
                return next((name for name in _GREEN if _patches(name, text)), "")
    return ""


def _patches(name: str, text: str) -> bool:
    imports = re.search(rf"^\s*(import|from)\s+{name}\b", text, re.MULTILINE)
    return imports is not None and re.search(r"\b(patch_all|monkey_patch)\s*\(", text) is not None
