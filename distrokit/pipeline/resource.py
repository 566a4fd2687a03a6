"""Builds the resource: runs the detectors side by side, against one deadline."""

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

_INSTANCE = "service.instance.id"

#: Detectors whose instance id is a random one: in a forked child it is another random one.
_RANDOM = ("service", "service_instance")


def build_resource(plan: Plan, extra: Mapping[str, Any]) -> ProcessResource:
    """The process's resource.

    Precedence, high to low: the user's attributes, the plugins' attributes, ``extra``, detectors, the last one in
    order first, and what any resource must have (``telemetry.sdk.*``, ``service.name``, ``service.instance.id``).

    Not ``Resource.create()``: it runs detectors in a pool whose end it awaits, so one that hangs
    keeps the application from starting.

    Args:
        extra: attributes known only now, such as ``telemetry.auto.version``.
    """
    known = {name: value.value for name, value in plan.resource.attributes.items()}
    attributes = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk_version,
        # Without one, the metrics of several workers are taken for one series; the SDK has it by default, too.
        _INSTANCE: str(uuid.uuid4()),
    }
    named = _INSTANCE in known
    for component, found in detect(plan.resource.detectors, plan.resource.timeout_millis.value, plan.problems):
        # The filter is the file's, and so are the detectors it is about.
        filtered = component.source.kind == "file"
        passing = {n: v for n, v in found.items() if not filtered or _wanted(plan.resource, n)}
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


def _wanted(plan: ResourcePlan, name: str) -> bool:
    """Whether a detector may add this attribute."""
    included = not plan.included or any(fnmatchcase(name, pattern) for pattern in plan.included)
    return included and not any(fnmatchcase(name, pattern) for pattern in plan.excluded)


def detect(
    detectors: Sequence[Component[ResourceDetector]], timeout_millis: int, problems: list[Problem]
) -> list[tuple[Component[ResourceDetector], dict[str, Any]]]:
    """What each detector found, in their order; one that is late or raises is left out alone.

    Args:
        timeout_millis: for all of them together, in milliseconds.
        problems: receives what went wrong.
    """
    deadline = time.monotonic() + timeout_millis / 1000
    runs = [_Run(component) for component in detectors]
    for run in runs:
        run.thread.start()
    found = []
    for run in runs:
        run.thread.join(max(0.0, deadline - time.monotonic()))
        answer, error = run.outcome or (None, None)
        if run.outcome is None:
            error = _LateError(f"no answer within {timeout_millis} ms")
        if error is None and answer is not None:
            found.append((run.component, answer))
        elif error is not None:
            problems.append(_problem(run.component, error))
    return found


class _LateError(TimeoutError):
    """The time for all detectors is up; one that raises ``TimeoutError`` itself has given up before."""


class _Run:
    """One detector in a daemon thread: the interpreter does not wait for one that hangs."""

    def __init__(self, component: Component[ResourceDetector]) -> None:
        self.component = component
        self.outcome: tuple[dict[str, Any] | None, BaseException | None] | None = None
        self.thread = threading.Thread(target=self._run, name=f"distrokit-{component.name}", daemon=True)

    def _run(self) -> None:
        detector: Callable[..., Any] = self.component.declaration.detect
        try:
            answer = detector(**self.component.arguments)
        except BaseException as error:
            # In a thread of its own nothing but the detector raises.
            self.outcome = (None, error)
            return
        try:
            self.outcome = (None if answer is None else checked_attributes(answer), None)
        except Exception as error:
            self.outcome = (None, _RefusedError(str(error)))


class _RefusedError(Exception):
    """What a detector returned cannot be attributes."""


def _problem(component: Component[ResourceDetector], error: BaseException) -> Problem:
    origin = component.origin
    if isinstance(error, _LateError):
        cause, first = f"TimeoutError: {error}", "Raise DISTROKIT_DETECTOR_TIMEOUT (milliseconds)"
    elif isinstance(error, _RefusedError):
        cause, first = f"it {error}", f"Repair {origin}: values are texts, numbers, booleans, and lists of one of these"
    else:
        cause, first = describe_exception(error), f"Repair {origin}"
    if component.source.chosen:
        without = f"take it out of {component.source}"
    else:
        without = f"set DISTROKIT_DISABLED_PLUGINS={component.plugin.partition(' ')[0]}"
    return Problem(
        code="detector-failed",
        subject=f"resource detector {component.name} ({origin})",
        cause=cause,
        outcome="its attributes are missing",
        remedy=f"{first}, or {without}.",
        detail=trace_of(error),
    )
