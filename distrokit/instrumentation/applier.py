"""Applies the instrumentations of a plan: at once, or when their libraries are imported."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from distrokit.diagnostics import Problem
from distrokit.instrumentation.applying import apply, leave_out_unfit
from distrokit.instrumentation.deferred import defer, moment
from distrokit.instrumentation.hooks import Report
from distrokit.instrumentation.log_capture import LogCapture
from distrokit.lazy.import_hook import ImportHook
from distrokit.plan.instrumentation_planning import LOGGING_SWITCH
from distrokit.plan.plan import InstrumentationPlan, Plan


class Applier:
    """Applies every planned instrumentation that fits the libraries installed here, in the plan's order.

    Args:
        hook: tells which modules the application imports.
        report: receives problems while the application runs; ``None`` adds them to the plan's problems.
        load: a distro's ``load_instrumentor``; ``None`` when it has none of its own.
        say: receives a line about each instrumentation that was applied.
    """

    def __init__(
        self,
        plan: Plan,
        hook: ImportHook,
        report: Report | None = None,
        load: Callable[..., Any] | None = None,
        say: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._plan, self._hook, self._load, self._say = plan, hook, load, say
        self._report = report or plan.problems.append
        self._capture = LogCapture(self._report)
        #: Those that wait for something else by now, such as django.setup().
        self._deferred: list[InstrumentationPlan] = []

    def apply_all(self) -> None:
        """Apply all instrumentations; if the plan is lazy, those whose library is imported, or that need none.

        Problems are added to the plan's.
        """
        items = [item for item in self._plan.instrumentations.values() if self._is_open(item)]
        with self._exposed():
            for item in items:
                if not (self._plan.lazy.value and self._waits(item)):
                    self._apply(item, self._plan.problems)
                elif item.asked is None or not leave_out_unfit(item, self._plan.problems):
                    item.why = f"applied {moment(item.name) or describe_triggers(item)}"

    def apply_triggered(self, modules: Collection[str]) -> None:
        """Apply the instrumentations that wait for one of these modules; report their problems, and raise none."""
        items = [
            item
            for item in self._plan.instrumentations.values()
            if self._is_open(item) and not set(modules).isdisjoint(_watched(item))
        ]
        problems: list[Problem] = []
        if items:
            with self._exposed():
                for item in items:
                    self._apply(item, problems)
        for problem in problems:
            self._report(problem)

    def _is_open(self, item: InstrumentationPlan) -> bool:
        return item.enabled and not item.applied and not any(item is other for other in self._deferred)

    def _waits(self, item: InstrumentationPlan) -> bool:
        """Wait for the import that applies an instrumentation; false if it must be applied now."""
        waits = [self._hook.watch(module) for module in _watched(item)] if item.triggers else [False]
        return all(waits)

    def _apply(self, item: InstrumentationPlan, problems: list[Problem], *, late: bool = False) -> None:
        def defer_here(name: str) -> bool:
            if late or not defer(name, partial(self._apply_deferred, item), self._hook):
                return False
            self._deferred.append(item)
            return True

        begun = time.perf_counter()
        apply(item, problems, self._report, self._capture, self._load, defer_here)
        if item.applied:
            when = moment(item.name) if late else describe_triggers(item)
            took = (time.perf_counter() - begun) * 1000
            self._say(f"instrumentation {item.name}: applied {when}, in {took:.0f} ms")

    def _apply_deferred(self, item: InstrumentationPlan) -> None:
        problems: list[Problem] = []
        with self._exposed():
            self._apply(item, problems, late=True)
        for problem in problems:
            self._report(problem)

    def _exposed(self) -> AbstractContextManager[None]:
        # Instrumentations read environment variables while they are imported and applied.
        return self._plan.settings.exposed({**self._plan.sdk_settings, LOGGING_SWITCH: None})


def describe_triggers(item: InstrumentationPlan) -> str:
    """Return when an instrumentation is applied, as a clause."""
    if not item.triggers:
        return "when telemetry starts"
    return f"when {' or '.join(item.triggers)} is imported"


def _watched(item: InstrumentationPlan) -> tuple[str, ...]:
    """Return the modules that an instrumentation waits for: its triggers, and its own module.

    The application may import that to apply the instrumentation by itself.
    """
    return (*item.triggers, *([item.point.module] if item.point else []))
