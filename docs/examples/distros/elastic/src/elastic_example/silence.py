"""Takes out the spans of instrumentations that are switched off while the process runs."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from opentelemetry.sdk.trace import ReadableSpan


class Silence:
    """A transform: drops finished spans by the scope that made them.

    A scope's tracer itself can be switched through private names only. So the spans are still made, and those below them keep a
    parent that nobody will see.
    """

    def __init__(self) -> None:
        self._patterns: tuple[str, ...] = ()

    def change(self, instrumentations: Iterable[str] | None) -> None:
        """From now on.

        Args:
            instrumentations: names such as ``flask``, or patterns of scopes; ``None`` for none.
        """
        names = tuple(instrumentations or ())
        self._patterns = (*names, *(f"opentelemetry.instrumentation.{name}" for name in names))

    def __call__(self, span: ReadableSpan) -> ReadableSpan | None:
        scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
        return None if any(fnmatchcase(scope, pattern) for pattern in self._patterns) else span
