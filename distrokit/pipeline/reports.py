"""Prints the problems of a running pipeline, each once, and the summaries of lost items."""

from __future__ import annotations

import logging
import sys

from distrokit.diagnostics import Channel, Problem, describe_exception, trace_of
from distrokit.pipeline.sdk_messages import note
from distrokit.pipeline.transforms import DroppedAll
from distrokit.plan.plan import Plan
from distrokit.plugins.distributions import raised_by


class Reports:
    """The reports of one pipeline.

    Args:
        plan: receives the problems, too.
        channel: prints them.
    """

    def __init__(self, plan: Plan, channel: Channel) -> None:
        self._plan, self._channel = plan, channel
        self._raised: set[tuple[str, type[BaseException]]] = set()

    def problem(self, problem: Problem) -> None:
        """Print a problem, and add it to the plan."""
        self._plan.problems.append(problem)
        self._channel.problems([problem])

    def misused(self, call: str, error: Exception, outcome: str = "its arguments are dropped") -> None:
        """Report that a call of OpenTelemetry's API raised, once per call and class of the error."""
        if (call, type(error)) in self._raised or sys.is_finalizing():
            return
        self._raised.add((call, type(error)))
        self._channel.problems(
            [
                Problem(
                    code="api-misused",
                    subject=f"{call}()",
                    cause=describe_exception(error),
                    outcome=f"{outcome}; the application continues",
                    remedy="Set OTEL_LOG_LEVEL=debug to print the call's traceback.",
                    severity="warning",
                    detail=trace_of(error),
                )
            ]
        )

    def lost(self, text: str) -> None:
        """Print a line about losses, and pass it to handlers of the root logger that keep messages."""
        self._channel.say(logging.ERROR, text, again=True)
        note(self._channel.mask(text))

    def part_failed(self, name: str, error: BaseException, outcome: str = "", remedy: str = "") -> None:
        """Report that a part raised while the application runs, once per part and class of the error."""
        if (name, type(error)) in self._raised or sys.is_finalizing():
            # Python clears modules then, so a part may raise although it is correct.
            return
        self._raised.add((name, type(error)))
        if isinstance(error, TimeoutError) and "DISTROKIT_EXIT_TIMEOUT" in str(error):
            problem = Problem(
                code="exit-timeout",
                subject=name,
                cause=str(error),
                outcome=outcome,
                remedy="Raise DISTROKIT_EXIT_TIMEOUT (milliseconds), or find out why the receiver does not respond.",
            )
        elif isinstance(error, DroppedAll):
            problem = Problem(
                code="transform-drops-all",
                subject=name,
                cause=str(error),
                outcome="nothing is exported",
                remedy="If this is not intended, make the transform return the item.",
                severity="warning",
            )
        else:
            owner = raised_by(error)
            place = f" ({owner})" if owner else ""
            problem = Problem(
                code="part-raised",
                subject=name,
                cause=f"{describe_exception(error)}{place}",
                outcome=outcome or "a transform that raises drops the item; any other part skips it",
                remedy=remedy or "Repair it, or block its plugin with DISTROKIT_DISABLED_PLUGINS.",
                detail=trace_of(error),
            )
        self._channel.problems([problem])
