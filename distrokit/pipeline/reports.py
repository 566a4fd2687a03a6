"""What turns up while a pipeline runs: said once, or summed up."""

from __future__ import annotations

import logging
import sys

from distrokit.diagnostics import Channel, Problem, describe_exception, trace_of
from distrokit.pipeline.sdk_messages import note
from distrokit.pipeline.stages import DroppedAll
from distrokit.plan.plan import Plan
from distrokit.plugins.distributions import raised_by


class Reports:
    """Of one pipeline.

    Args:
        plan: its problems grow.
        channel: where they are said.
    """

    def __init__(self, plan: Plan, channel: Channel) -> None:
        self._plan, self._channel = plan, channel
        self._raised: set[tuple[str, type[BaseException]]] = set()

    def problem(self, problem: Problem) -> None:
        """Say a problem, once."""
        self._plan.problems.append(problem)
        self._channel.problems([problem])

    def misused(self, call: str, error: Exception) -> None:
        """The application gave OpenTelemetry something that it cannot take; said once per call and kind of error."""
        if (call, type(error)) in self._raised or sys.is_finalizing():
            return
        self._raised.add((call, type(error)))
        self._channel.problems(
            [
                Problem(
                    code="api-misused",
                    subject=f"{call}()",
                    cause=describe_exception(error),
                    outcome="what it was given is dropped, and the application goes on",
                    remedy="OTEL_LOG_LEVEL=debug shows from where it was called.",
                    severity="warning",
                    detail=trace_of(error),
                )
            ]
        )

    def lost(self, text: str) -> None:
        """Say what did not arrive; and to those handlers of the root that keep messages."""
        self._channel.say(logging.ERROR, text, again=True)
        note(self._channel.mask(text))

    def part_failed(self, name: str, error: BaseException, outcome: str = "") -> None:
        """A part raised while the application runs; said once per part and kind of error."""
        if (name, type(error)) in self._raised or sys.is_finalizing():
            # Modules are taken apart then, and everything has been shut down: no part is to blame for what it raises.
            return
        self._raised.add((name, type(error)))
        if isinstance(error, TimeoutError) and "DISTROKIT_EXIT_TIMEOUT" in str(error):
            problem = Problem(
                code="exit-timeout",
                subject=name,
                cause=str(error),
                outcome=outcome,
                remedy="Raise DISTROKIT_EXIT_TIMEOUT (milliseconds), or look why the receiver does not answer.",
            )
        elif isinstance(error, DroppedAll):
            problem = Problem(
                code="transform-drops-all",
                subject=name,
                cause=str(error),
                outcome="they were not sent",
                remedy="If that is not meant: a transform returns the item that goes on.",
                severity="warning",
            )
        else:
            owner = raised_by(error)
            place = f" ({owner})" if owner else ""
            problem = Problem(
                code="part-raised",
                subject=name,
                cause=f"{describe_exception(error)}{place}",
                outcome=outcome or "a transform drops the item, any other part only misses it",
                remedy="Repair it, or block its plugin with DISTROKIT_DISABLED_PLUGINS.",
                detail=trace_of(error),
            )
        self._channel.problems([problem])
