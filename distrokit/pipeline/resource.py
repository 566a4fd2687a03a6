"""Builds the resource: runs the detectors in parallel, with one deadline for all."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.sdk.version import __version__ as sdk_version

from distrokit.declarations import ResourceDetector
from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.process_resource import ProcessResource
from distrokit.plan.plan import Component, Plan, ResourcePlan
from distrokit.plugins.validation import checked_attributes
from distrokit.threads import start_thread

_INSTANCE = "service.instance.id"

#: Detectors with a random instance id: a forked child gets another random one.
_RANDOM = ("service", "service_instance")


def build_resource(plan: Plan, extra: Mapping[str, Any]) -> ProcessResource:
    """Build the process's resource.

    Precedence, high to low: the user's attributes, the plugins' attributes, ``extra``, detectors (a later one wins over
    an earlier one), and required attributes (``telemetry.sdk.*``, ``service.name``, ``service.instance.id``).

    It does not use ``Resource.create()``, which waits for every detector in a pool: one that hangs would keep the
    application from starting.

    Args:
        extra: attributes that are not in the plan, such as ``telemetry.auto.version``.
    """
    known = {name: value.value for name, value in plan.resource.attributes.items()}
    attributes = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk_version,
        # Without it, backends merge the metrics of several workers into one series; the SDK sets it by default, too.
        _INSTANCE: str(uuid.uuid4()),
    }
    named = _INSTANCE in known
    for component, found in run_detectors(plan.resource.detectors, plan.resource.timeout_millis.value, plan.problems):
        # The filter comes from the file, and applies to the file's detectors.
        filtered = component.source.kind == "file"
        passing = {n: v for n, v in found.items() if not filtered or _admits(plan.resource, n)}
        attributes.update(passing)
        if _INSTANCE in passing:
            named = _INSTANCE in known or component.name.lower() not in _RANDOM
    attributes.update(extra)
    attributes.update(known)
    if not attributes.get("service.name"):
        executable = os.path.basename(sys.executable or "")
        attributes["service.name"] = f"unknown_service:{executable}" if executable else "unknown_service"
    schema_url = plan.resource.schema_url.value if plan.resource.schema_url else None
    return ProcessResource(attributes, schema_url, named=named)


def _admits(plan: ResourcePlan, name: str) -> bool:
    """Tell whether the filter admits this attribute."""
    included = not plan.included or any(fnmatchcase(name, pattern) for pattern in plan.included)
    return included and not any(fnmatchcase(name, pattern) for pattern in plan.excluded)


def run_detectors(
    detectors: Sequence[Component[ResourceDetector]], timeout_millis: int, problems: list[Problem]
) -> list[tuple[Component[ResourceDetector], dict[str, Any]]]:
    """Run the detectors, and return each one's attributes in order; leave out one that is late or raises.

    Args:
        timeout_millis: for all detectors together, in milliseconds.
        problems: receives a problem for each detector that failed.
    """
    deadline = time.monotonic() + timeout_millis / 1000
    runs = [_Run(component) for component in detectors]
    for run in runs:
        run.begin()
    found = []
    for run in runs:
        run.wait(max(0.0, deadline - time.monotonic()))
        result, error = run.outcome or (None, None)
        if run.outcome is None:
            error = _LateError(f"no answer within {timeout_millis} ms")
        if error is None and result is not None:
            found.append((run.component, result))
        elif error is not None:
            problems.append(_problem(run.component, error))
    return found


class _LateError(TimeoutError):
    """The time for all detectors is over; not a ``TimeoutError`` that a detector raised itself."""


class _Run:
    """One detector in a daemon thread, so that the interpreter does not wait for one that hangs."""

    def __init__(self, component: Component[ResourceDetector]) -> None:
        self.component = component
        self.outcome: tuple[dict[str, Any] | None, BaseException | None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"distrokit-{component.name}", daemon=True)

    def begin(self) -> None:
        """Run the detector; in this thread, without a time limit, if the process can have no other one."""
        try:
            start_thread(self._thread)
        except RuntimeError:
            # The process has too many threads, or is ending.
            self._run()

    def wait(self, seconds: float) -> None:
        """Wait for the detector's end, if it is in a thread of its own."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        detector: Callable[..., Any] = self.component.declaration.detect
        try:
            result = detector(**self.component.arguments)
        except BaseException as error:
            # The thread is the detector's own: an interrupt of the application never arrives here.
            self.outcome = (None, error)
            return
        try:
            self.outcome = (None if result is None else checked_attributes(result), None)
        except Exception as error:
            self.outcome = (None, _RefusedError(str(error)))


class _RefusedError(Exception):
    """A detector returned something other than attributes."""


def _problem(component: Component[ResourceDetector], error: BaseException) -> Problem:
    origin = component.origin
    if isinstance(error, _LateError):
        cause, repair = f"TimeoutError: {error}", "Raise DISTROKIT_DETECTOR_TIMEOUT (milliseconds)"
    elif isinstance(error, _RefusedError):
        cause = f"it {error}"
        repair = f"Repair {origin} (values must be strings, numbers, booleans, or lists of one of these)"
    else:
        cause, repair = describe_exception(error), f"Repair {origin}"
    if component.source.chosen:
        without = f"take it out of {component.source}"
    else:
        without = f"set DISTROKIT_DISABLED_PLUGINS={component.plugin.partition(' ')[0]}"
    return Problem(
        code="detector-failed",
        subject=f"resource detector {component.name} ({origin})",
        cause=cause,
        outcome="its attributes are missing",
        remedy=f"{repair}, or {without}.",
        detail=trace_of(error),
    )
