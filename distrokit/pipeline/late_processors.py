"""Processors that the application or another SDK adds to a provider of ours while it runs.

The SDK calls processors in the order in which they were added, each with the span as it was recorded. So a processor
that is added late would get what the transforms remove. Here it becomes one more member of the stage ``export``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import RLock
from typing import Any

from distrokit.declarations import LATE_PLACEMENTS, LatePlacement, Signal
from distrokit.diagnostics import Problem, quantity
from distrokit.pipeline.callers import find_caller
from distrokit.pipeline.loss_words import UNITS
from distrokit.settings.values import Value

SETTING = "DISTROKIT_LATE_PROCESSORS"
#: The remedy for one that raises.
REMEDY = f"Repair it, or set {SETTING}=refuse."

#: Modules whose functions call ``add_span_processor`` for the code that is to be named.
_BETWEEN = ("distrokit.pipeline", "opentelemetry.sdk", "opentelemetry.trace", "opentelemetry._logs")


class LateProcessor:
    """A processor that was added late.

    Attributes:
        part: the processor.
        added_by: the module that added it; empty if unknown.
        placement: ``behind`` the transforms, ``raw`` (it gets every item unchanged), or ``refuse``.
        source: who decided that, as text.
        failed: the number of items on which it raised, in this process.
    """

    def __init__(self, part: Any, signal: Signal, added_by: str, placement: LatePlacement, source: str) -> None:
        self.part, self.added_by = part, added_by
        self.signal: Signal = signal
        self.placement, self.source, self.failed = placement, source, 0

    @property
    def name(self) -> str:
        """Its class and the module that added it, for reports."""
        return f"late processor {type(self.part).__qualname__} (added by {self.added_by or 'unknown code'})"

    def describe(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        kind = type(self.part)
        return {
            "signal": self.signal,
            "processor": f"{kind.__module__}.{kind.__qualname__}",
            "added_by": self.added_by,
            "placement": self.placement,
            "source": self.source,
            "failed": self.failed,
        }


#: Asks the plugins: takes processor, signal and module; returns a placement and the plugin that chose it.
AskPlugins = Callable[[Any, Signal, str], "tuple[LatePlacement, str] | None"]


class LateProcessors:
    """The late processors of one pipeline, and the rule for new ones.

    Args:
        default: the setting.
        ask_plugins: asks the hook ``distrokit_late_processor``.
        report: receives a problem for each refused processor.
        say: prints a line at a :mod:`logging` level.
        keep: receives each processor that wants to be told of forks (:class:`~distrokit.export.ForkAware`).
        level: of the line about each processor that is accepted.
    """

    def __init__(
        self,
        default: Value[str],
        ask_plugins: AskPlugins,
        report: Callable[[Problem], None],
        say: Callable[[int, str], object],
        keep: Callable[[Any], None],
        level: int = logging.DEBUG,
    ) -> None:
        self._default, self._ask_plugins = default, ask_plugins
        self._report, self._say, self._keep, self._level = report, say, keep, level
        self.all: list[LateProcessor] = []
        #: Held while processors are added; a plugin that is asked may add one, too.
        self.lock = RLock()

    def place(self, part: Any, signal: Signal) -> LateProcessor:
        """Decide about a new processor; report it."""
        added_by = find_caller(*_BETWEEN)
        late = LateProcessor(part, signal, added_by, *self._decide(part, signal, added_by))
        self.all.append(late)
        if late.placement == "refuse":
            self._report(
                Problem(
                    code="late-processor-refused",
                    subject=f"{signal} processor {type(part).__qualname__}",
                    cause=f"{added_by or 'unknown code'} added it after the start, and {late.source} refuses it",
                    outcome="it gets nothing",
                    remedy=f"Set {SETTING}=behind: it then gets what the exporters get.",
                    severity="warning",
                )
            )
        else:
            if hasattr(part, "forked"):
                self._keep(part)
            self._say(self._level, _describe_placement(late))
        return late

    def _decide(self, part: Any, signal: Signal, added_by: str) -> tuple[LatePlacement, str]:
        chosen = self._default
        # The user's own setting is stronger than a plugin.
        if not chosen.source.chosen:
            asked = self._ask_plugins(part, signal, added_by)
            if asked is not None:
                return asked
        placement: LatePlacement = next(one for one in LATE_PLACEMENTS if one == chosen.value)
        return placement, str(chosen.source)

    def forked(self) -> None:
        """Count from zero in a forked child, where no other thread holds the lock."""
        self.lock = RLock()
        for late in self.all:
            late.failed = 0

    def finish(self) -> None:
        """Print at shutdown how many items each could not take."""
        for late in self.all:
            if late.failed:
                items = quantity(late.failed, UNITS[late.signal])
                self._say(logging.ERROR, f"{late.name}: {items} lost: it raised; see the message above")


def _describe_placement(late: LateProcessor) -> str:
    where = (
        "behind the transforms: it gets what the exporters get"
        if late.placement == "behind"
        else "in front of the transforms: it gets every item unchanged"
    )
    return f"{late.signal}: {late.name} was put {where} ({late.source})"
