"""The filters of ``distrokit tail``."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from distrokit_dev.received import Item, ReceivedLog, ReceivedSpan, service_of
from distrokit_dev.tail.arguments import SIGNALS
from distrokit_dev.tail.severity import is_error
from distrokit_dev.tail.typeface import as_text

#: Maximum characters of a text that a pattern is matched against.
_MAX_MATCHED = 10_000


def signal_of(item: Item) -> str:
    """Return ``traces``, ``metrics`` or ``logs``."""
    if isinstance(item, ReceivedSpan):
        return "traces"
    return "logs" if isinstance(item, ReceivedLog) else "metrics"


@dataclass(frozen=True)
class Filters:
    """The options ``--service``, ``--name``, ``--errors`` and ``--signal``.

    Attributes:
        services: shell patterns; one must match the service; empty: all.
        names: shell patterns for names of spans and metrics, and for bodies of log records; empty: all.
        errors: only errors.
        signals: the signals to show.
    """

    services: Collection[str] = ()
    names: Collection[str] = ()
    errors: bool = False
    signals: Collection[str] = SIGNALS

    def passes(self, item: Item) -> bool:
        """True if an item passes by itself."""
        if signal_of(item) not in self.signals or not _matches(service_of(item), self.services):
            return False
        if isinstance(item, ReceivedLog):
            return (not self.errors or is_error(item)) and _matches(as_text(item.body), self.names)
        if isinstance(item, ReceivedSpan):
            return (not self.errors or item.status == "error") and _matches(item.name, self.names)
        return not self.errors and _matches(item.name, self.names)

    def passes_trace(self, spans: Iterable[ReceivedSpan]) -> bool:
        """True if a trace passes as a whole: different spans may match different filters."""
        spans = list(spans)
        return (
            "traces" in self.signals
            and any(_matches(service, self.services) for service in {service_of(span) for span in spans})
            and any(_matches(span.name, self.names) for span in spans)
            and (not self.errors or any(span.status == "error" for span in spans))
        )


def _matches(text: str, patterns: Collection[str]) -> bool:
    text = text[:_MAX_MATCHED].casefold()
    return not patterns or any(fnmatch.fnmatchcase(text, pattern.casefold()) for pattern in patterns)
