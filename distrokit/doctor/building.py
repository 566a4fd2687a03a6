"""The check that builds the parts of the plan, as the application would, and shuts them down; they send nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from distrokit.declarations import Check, Signal
from distrokit.diagnostics import Problem, describe_exception, quantity, trace_of
from distrokit.launch.assembly import Assembly
from distrokit.pipeline.bounded import Bounded
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.export_monitor import monitor_exporter
from distrokit.pipeline.lazy_start import LazyStart
from distrokit.pipeline.losses import losses_of
from distrokit.pipeline.resource import build_resource
from distrokit.pipeline.response_propagators import build_response_propagator
from distrokit.pipeline.samplers import build_sampler
from distrokit.pipeline.views import make_view
from distrokit.plan.plan import ExporterPlan, Plan
from distrokit.plugins.manager import Plugins
from distrokit.settings.environ import import_propagate

#: Seconds for building all parts together, and again for their shutdown.
PATIENCE = 10.0


class _NoMetrics(MetricExporter):
    """Takes everything and sends nothing."""

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing to release."""


#: Exporters that send nothing; the processors under test are built in front of them.
_STAND_INS: dict[Signal, Callable[[], Any]] = {
    "traces": InMemorySpanExporter,
    "metrics": _NoMetrics,
    "logs": InMemoryLogRecordExporter,
}
_PROCESSORS: dict[Signal, Any] = {"traces": SpanProcessor, "metrics": MetricReader, "logs": LogRecordProcessor}


def check_parts(assembly: Assembly, *, online: bool) -> tuple[list[Check], Resource | None]:
    """Build every part; takes at most twice :data:`PATIENCE` seconds.

    Args:
        online: whether resource detectors run, which may use the network.

    Returns: the findings, and the resource; ``None`` if it could not be built in time.
    """
    plan = assembly.plan
    known = len(plan.problems)
    trial = _Trial(plan, assembly.plugins, online=online)
    import_propagate()
    # What a part prints to stdout is not this command's answer.
    with plan.settings.exposed(plan.sdk_settings), contextlib.redirect_stdout(sys.stderr):
        late = trial.run_in_time(trial.build) or trial.run_in_time(trial.shut_down)
    # They are findings of these checks, and not of the settings.
    problems = plan.problems[known:]
    del plan.problems[known:]
    return [*_findings(trial, problems, late)], trial.resource


def _findings(trial: _Trial, problems: list[Problem], late: str) -> Iterator[Check]:
    for problem in problems:
        yield Check(problem.code, "fail", f"{problem.subject}: {problem.cause}; {problem.outcome}", problem.remedy)
    if late:
        remedy = "Find out what this part waits for: it delays the start of every process."
        yield Check("parts", "fail", f"{late} after {PATIENCE:.0f} seconds", remedy)
    elif not problems:
        yield Check("parts", "ok", f"{quantity(trial.count, 'part')} of the pipeline can be built")


class _Trial:
    """One pipeline that never runs.

    Attributes:
        resource: as soon as it is built.
        count: number of parts that were built or failed.
    """

    def __init__(self, plan: Plan, plugins: Plugins, *, online: bool) -> None:
        self._plan, self._online = plan, online
        self._components = ComponentFactory(plan, plugins)
        self._doing = ""
        self.resource: Resource | None = None
        self.count = 0

    def run_in_time(self, work: Callable[[], None]) -> str:
        """Run ``work``; return the unfinished step when the time is up, else empty. Raises what it raises."""
        call = Bounded().begin(work)
        if not call.ended(time.monotonic() + PATIENCE):
            return self._doing
        if call.error is not None:
            raise call.error
        return ""

    def build(self) -> None:
        """Build each part; what fails is a problem of the plan."""
        plan = self._plan
        part = self._components.component
        for propagator in plan.propagators or ():
            self._keep(
                f"propagator {propagator.name}",
                partial(part, propagator, TextMapPropagator, "it is left out"),
            )
        # Detectors may use the network.
        detectors = plan.resource.detectors if self._online else []
        looked = replace(plan, resource=replace(plan.resource, detectors=detectors))
        self._doing, self.count = "the resource is not built", self.count + len(detectors)
        self.resource = build_resource(looked, {})
        self._components = self._components.with_resource(self.resource)
        part = self._components.component
        if plan.response_propagators:
            compose_all = partial(build_response_propagator, self._components, _ignore_error, None)
            self._keep("response propagators", compose_all, len(plan.response_propagators))
        if plan.sampler:
            name = f"sampler {plan.sampler.nested_name}"
            self._keep(name, partial(build_sampler, self._components, plan.sampler))
        if plan.id_generator:
            name = f"id generator {plan.id_generator.name}"
            self._keep(name, partial(part, plan.id_generator, IdGenerator, "random ids are used"))
        for view in plan.views:
            self._keep(f"{view.source} view", self._guarded(f"{view.source} view", partial(make_view, view)))
        for signal, planned in plan.signals.items():
            for processor in (*planned.for_all(), *planned.for_some()):
                transform = processor.declaration.stage == "transform" or signal == "metrics"
                kind = Callable if transform else _PROCESSORS[signal]
                outcome = f"it is left out; {signal} are sent without it"
                name = f"{processor.declaration.stage} processor {processor.name}"
                self._keep(name, partial(part, processor, kind, outcome, signal))
            if planned.configurator:
                name = f"configurator {planned.configurator.name}"
                self._keep(name, self._guarded(name, planned.configurator.load))
            for item in planned.exporters:
                self._build_processor(item, signal)

    def _build_processor(self, item: ExporterPlan, signal: Signal) -> None:
        """Build an exporter's processor in front of a stand-in; the export check builds the exporters."""
        exporter, processor = item.exporter, item.processor
        if processor is None:
            return
        losses = losses_of(exporter.name, signal, "", _ignore_line, {})
        stand_in = monitor_exporter(signal, _STAND_INS[signal](), losses, None, LazyStart(lambda *_: None))
        outcome = f"{exporter.name!r} gets nothing"

        def build() -> Any:
            with self._components.reported(processor, outcome):
                made = processor.declaration.factory(stand_in, self._components.context(processor, signal))
                return self._components.accept(processor, made, _PROCESSORS[signal])
            return None

        self._keep(f"{processor.name} for {exporter.name} {signal}", build)

    def _keep(self, name: str, build: Callable[[], Any], count: int = 1) -> None:
        self._doing = f"{name} is not built"
        self.count += count
        made = build()
        # The factory keeps most of the parts that it makes.
        if not any(made is part for part in self._components.parts):
            self._components.keep(made)

    def _guarded(self, name: str, build: Callable[[], Any]) -> Callable[[], Any]:
        """Guard a part that is not a component: an exception becomes a problem of the plan."""

        def guarded() -> Any:
            try:
                return build()
            except Exception as error:
                self._plan.problems.append(
                    Problem(
                        code="build-failed",
                        subject=name,
                        cause=describe_exception(error),
                        outcome="it is left out",
                        remedy="Correct it, or repair its package.",
                        detail=trace_of(error),
                    )
                )
                return None

        return guarded

    def shut_down(self) -> None:
        """Shut down what was built, in reverse order; exceptions are ignored."""
        for part in reversed(self._components.parts):
            if hasattr(part, "shutdown"):
                self._doing = f"{self._components.name_of(part) or type(part).__name__} is not shut down"
                with contextlib.suppress(Exception):
                    part.shutdown()


def _ignore_error(name: str, error: BaseException, outcome: str = "", remedy: str = "") -> None:
    """Nothing runs here, so no part raises later."""


def _ignore_line(line: str) -> None:
    """Nothing is sent here, so nothing is lost."""
