"""Watches for the first use of telemetry: OpenTelemetry's API, a log record, an unhandled exception.

Each function that uses telemetry is replaced by one that starts telemetry first. The replacement calls the original
afterwards, so that code that has imported it by name keeps working; the modules get their originals back.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from distrokit.lazy.import_hook import ImportHook

#: The public functions of OpenTelemetry's API that need providers, propagators or a context that threads take over.
_API = {
    "opentelemetry.trace": ("get_tracer", "get_tracer_provider", "set_tracer_provider"),
    "opentelemetry.metrics": ("get_meter", "get_meter_provider", "set_meter_provider"),
    "opentelemetry._logs": ("get_logger", "get_logger_provider", "set_logger_provider"),
    "opentelemetry.propagate": ("inject", "extract", "get_global_textmap", "set_global_textmap"),
    "opentelemetry.context": ("attach",),
}


class FirstUse:
    """Replacements of functions, until telemetry has started.

    Args:
        hook: tells when the modules are imported.
        wake: starts telemetry, once; must not raise.
    """

    def __init__(self, hook: ImportHook, wake: Callable[[], None]) -> None:
        self._hook, self._wake = hook, wake
        #: Owner, name, original, replacement.
        self._replaced: list[tuple[Any, str, Any, Any]] = []
        self._removed = False

    def watch_api(self) -> None:
        """Watch the functions of OpenTelemetry's API."""
        for module, names in _API.items():
            self._after(module, names)

    def watch_for(self, instrumentation: str) -> None:
        """Watch the functions of the standard library that this instrumentation, if it is lazy, would replace."""
        if instrumentation == "logging":
            # makeRecord, since an instrumentation may add fields to records; callHandlers for records made elsewhere.
            self._after("logging", ("makeRecord", "callHandlers"), "Logger")
        elif instrumentation == "urllib":
            self._after("urllib.request", ("open",), "OpenerDirector")
        elif instrumentation == "exceptions":
            self._replace(sys, "excepthook", sys)
            self._after("threading", ("excepthook",))
            self._after("asyncio.base_events", ("call_exception_handler",), "BaseEventLoop")

    def remove(self) -> None:
        """Put the originals back, except where other code has replaced the replacement."""
        self._removed = True
        for owner, name, original, replacement in self._replaced:
            if getattr(owner, name, None) is replacement:
                setattr(owner, name, original)

    def _after(self, module: str, names: tuple[str, ...], owner: str = "") -> None:
        def replace(imported: ModuleType) -> None:
            if not self._removed:
                for name in names:
                    self._replace(getattr(imported, owner, None) if owner else imported, name, imported)

        self._hook.after_import(module, replace)

    def _replace(self, owner: Any, name: str, module: ModuleType) -> None:
        original = getattr(owner, name, None)
        if original is None:
            return

        def first(*args: Any, **kwargs: Any) -> Any:
            if self._removed:
                return original(*args, **kwargs)
            before = getattr(owner, name)
            self._wake()
            now = getattr(owner, name)
            # An instrumentation may have put its own function there. One that was there before has called this one.
            return (original if now in (before, first) else now)(*args, **kwargs)

        for attribute in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
            # A builtin function has fewer.
            if hasattr(original, attribute):
                setattr(first, attribute, getattr(original, attribute))
        # As if it were in the module's folder: Handler.handleError leaves frames of logging's own out of its stack.
        folder = (module.__file__ or "").rpartition("/")[0] if hasattr(module, "__file__") else ""
        first.__code__ = first.__code__.replace(co_filename=f"{folder}/distrokit")
        first.__wrapped__ = original  # type: ignore[attr-defined]  # as functools.wraps does
        setattr(owner, name, first)
        self._replaced.append((owner, name, original, first))
