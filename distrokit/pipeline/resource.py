"""Builds the resource: runs the detectors side by side, against one deadline."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.sdk.version import __version__ as sdk_version

from distrokit.answers import checked_attributes
from distrokit.declarations import ResourceDetector
from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.pipeline.process_resource import ProcessResource
from distrokit.plan import Component, Plan, ResourcePlan


def build_resource(plan: Plan, extra: Mapping[str, Any]) -> ProcessResource:
    """The process's resource.

    Precedence, high to low: the user's attributes, the plugins' attributes, ``extra``, detectors in
    order, what the specification demands (``telemetry.sdk.*``, ``service.name``).

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
    }
    for component, found in reversed(
        detect(plan.resource.detectors, plan.resource.timeout_millis.value, plan.problems)
    ):
        # The filter is the file's, and so are the detectors it is about.
        filtered = component.source.kind == "file"
        attributes.update({n: v for n, v in found.items() if not filtered or _wanted(plan.resource, n)})
    attributes.update(extra)
    attributes.update(known)
    if not attributes.get("service.name"):
        executable = os.path.basename(sys.executable or "")
        attributes["service.name"] = f"unknown_service:{executable}" if executable else "unknown_service"
    schema_url = plan.resource.schema_url.value if plan.resource.schema_url else None
    return ProcessResource(attributes, schema_url, named="service.instance.id" in known)


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
            error = TimeoutError(f"no answer within {timeout_millis} ms")
        if error is None and answer is not None:
            found.append((run.component, answer))
        elif error is not None:
            problems.append(_problem(run.component, error))
    return found


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
            self.outcome = (None if answer is None else checked_attributes(answer), None)
        except BaseException as error:
            # In a thread of its own nothing but the detector raises.
            self.outcome = (None, error)


def _problem(component: Component[ResourceDetector], error: BaseException) -> Problem:
    return Problem(
        code="detector-failed",
        subject=f"resource detector {component.name} (plugin {component.plugin})",
        cause=describe_exception(error),
        outcome="its attributes are missing",
        remedy="Repair it, raise DISTROKIT_DETECTOR_TIMEOUT (milliseconds), or leave it out of "
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS.",
        detail=trace_of(error),
    )
