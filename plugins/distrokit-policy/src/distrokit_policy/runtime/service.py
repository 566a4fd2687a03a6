"""Holds the policies in effect, and follows their changes, on one thread for each source: one may be slow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from distrokit import Problem, shorten_cause, start_thread, suppress_instrumentation
from distrokit_policy.engine.reading import ReadPolicies
from distrokit_policy.engine.statistics import Statistics
from distrokit_policy.runtime.live import LiveRequests
from distrokit_policy.runtime.merging import PolicySet, compile_set, merge
from distrokit_policy.runtime.sources import Source
from distrokit_policy.runtime.trial import Trials

#: The most problems of one kind and subject that are reported in an hour, and of how many subjects that is remembered.
_MOST_REPORTS, _HOUR, _MOST_KEPT = 20, 3600.0, 1000
_TICK = 0.5


class PolicyService:
    """The policies of one process.

    Args:
        sources: in the order of their priority.

    Attributes:
        statistics: hits and misses.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources, self.statistics = sources, Statistics()
        self.statistics.report = self._report_failure
        self._set, self._resource = PolicySet(), None
        self._problems: list[Problem] = []
        self._report: Callable[[Problem], None] = lambda problem: None
        self._count_losses: Callable[[], int] = lambda: 0
        self._trials = Trials(sources, self._count_errors)
        self._live = LiveRequests(self.describe)
        self._compiled: list[ReadPolicies] = []
        self._reported: dict[tuple[str, str], deque[float]] = {}
        self._failures: set[tuple[str, type[BaseException]]] = set()
        self._threads: list[threading.Thread] = []
        self._wakes = [threading.Event() for _ in sources]
        self._stopped, self._asleep = False, True
        self._lock = threading.RLock()

    # ----------------------------------------------------------------------- on the application's threads

    def current(self) -> PolicySet:
        """Return the policies in effect."""
        if self._asleep:
            self._start_threads()
        return self._set

    def failed(self, where: str, error: Exception) -> None:
        """Count an evaluation that raised, and report it once per place and class."""
        self.statistics.errors += 1
        self._report_failure(f"policies for {where}", error)

    def _report_failure(self, where: str, error: Exception) -> None:
        if (where, type(error)) not in self._failures:
            self._failures.add((where, type(error)))
            self._say(
                Problem(
                    code="policy-failed",
                    subject=where,
                    cause=f"{type(error).__name__}: {shorten_cause(str(error))}",
                    outcome="the item is kept; other policies apply to it",
                    remedy="Report it to the maintainers of distrokit, with the policies.",
                )
            )

    def _start_threads(self) -> None:
        with self._lock:
            if not self._asleep:
                return
            self._asleep = False
            for number in range(len(self.sources)) if not self._stopped else ():
                thread = threading.Thread(
                    target=self._run, args=(number,), name=f"distrokit-policies-{number}", daemon=True
                )
                try:
                    start_thread(thread)
                except RuntimeError:
                    # The process is ending, or has too many threads: the policies stay as they are.
                    return
                self._threads.append(thread)

    # ------------------------------------------------------------------------------------------ its life

    def use(self, resource: Any) -> None:
        """Compile the policies for the resource of a process."""
        with self._lock:
            self._trials.instance = str(resource.attributes.get("service.instance.id", "")) if resource else ""
            is_first, self._resource = self._resource is None, resource
            if is_first or not self._set.fits(resource):
                self._trials.begin()
                # What is found before there is anything to report to.
                self._problems = self._compile()

    def connect(self, report: Callable[[Problem], None], count_losses: Callable[[], int]) -> None:
        """Set what reports problems, and what counts lost items."""
        self._report, self._count_losses = report, count_losses
        for problem in self._problems:
            self._say(problem)
        for number, source in enumerate(self.sources):
            source.call("started", partial(self._ask_soon, number))

    def _ask_soon(self, number: int) -> None:
        self.sources[number].due = 0.0
        self._wakes[number].set()

    def forked(self) -> None:
        """Begin again in a forked child: its thread starts with its first item."""
        self._lock = threading.RLock()
        self._wakes = [threading.Event() for _ in self.sources]
        self._threads, self._asleep = [], True
        self.statistics.forked()
        self._set.forked()
        self._trials.forked()
        if [source.in_use for source in self.sources] != self._compiled:
            # The parent was about to.
            self._trials.begin()
            self._compile()
        for source in self.sources:
            source.call("forked")

    def stop(self) -> None:
        """Let the threads end. They are not waited for: a provider may be slow."""
        self._stopped = True
        for wake in self._wakes:
            wake.set()

    # --------------------------------------------------------------------------------- on their own threads

    def _run(self, number: int) -> None:
        wake = self._wakes[number]
        with suppress_instrumentation():
            while not self._stopped:
                try:
                    self._step(number)
                except Exception as error:
                    # It counts as no error of the policies.
                    self._report_failure("a new set", error)
                wake.wait(_TICK)
                wake.clear()
            self.sources[number].call("shutdown")

    def _step(self, number: int) -> None:
        source = self.sources[number]
        problems: list[Problem] = []
        answer = source.ask("poll", problems) if source.due <= monotonic() else None
        with self._lock:
            ended = self._trials.step(problems)
            if answer is not None and not self._stopped:
                problems += source.take(answer)
                self._trials.begin()
            if (answer is not None or ended) and not self._stopped:
                problems += self._compile()
            for problem in problems:
                self._say(problem)
        if source.wants_reports:
            source.report(self._counts_of(source))
        self._live.answer()

    def _compile(self) -> list[Problem]:
        self._compiled = [source.in_use for source in self.sources]
        policies, left_out = merge(read.policies for read in self._compiled)
        self._set = compile_set(policies, self._resource, self.statistics)
        return [
            Problem(
                code="policy-id-taken",
                subject=f"policy {policy.id} of {policy.source}",
                cause="another provider, which counts more, has a policy of this id",
                outcome="it is left out",
                remedy="Give it another id.",
                severity="warning",
            )
            for policy in left_out
        ]

    def _say(self, problem: Problem) -> None:
        """Report a problem, but not without end: a provider may change its mind every second."""
        now, key = monotonic(), (problem.code, problem.subject)
        times = self._reported.setdefault(key, deque(maxlen=_MOST_REPORTS))
        if len(times) == _MOST_REPORTS and now - times[0] < _HOUR:
            return
        times.append(now)
        if len(times) == _MOST_REPORTS and now - times[0] < _HOUR:
            problem = Problem(
                code="policy-reports",
                subject=problem.subject,
                cause=f"there were {_MOST_REPORTS} reports of it within an hour, the last one: {problem.cause}",
                outcome="further ones are not printed for a while",
                remedy="Look at the provider, which changes all the time.",
                severity="warning",
            )
        elif len(self._reported) > _MOST_KEPT:
            self._reported.clear()
        self._report(problem)

    def _count_errors(self) -> int:
        return self.statistics.errors + self._count_losses()

    def _counts_of(self, source: Source) -> Mapping[str, Any]:
        with self.statistics.lock:
            counts = {
                policy.id: self.statistics.policies[policy.id].as_data()
                for policy in source.in_use.policies
                if policy.id in self.statistics.policies
            }
        return {"state": source.state, "errors": list(source.errors), "policies": counts}

    def describe(self) -> dict[str, Any]:
        """Return sources and policies with their counts as plain data."""
        return {
            "errors": self.statistics.errors,
            "sources": [{"name": source.name, **self._counts_of(source)} for source in self.sources],
        }
