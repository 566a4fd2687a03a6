"""Checks each declaration: built by the real builder, used, forked and shut down."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from distrokit.declarations import SIGNALS, Exporter, Signal
from distrokit.diagnostics import Channel, Problem, describe_exception
from distrokit.launch.assembly import Assembly
from distrokit.plan.component_resolver import ComponentResolver
from distrokit.plan.registry import Registration, Registries
from distrokit.plan.selection_resolver import PROCESSOR_SETTING
from distrokit.settings.layers import Settings
from distrokit.settings.values import BUILT_IN, Source
from distrokit.testing.conformance.declaring import missing_settings, names_any, own_plugins
from distrokit.testing.conformance.footprint import threads_since
from distrokit.testing.conformance.forking import Child, check_child
from distrokit.testing.conformance.recording import record
from distrokit.testing.conformance.report import ConformanceReport
from distrokit.testing.conformance.tallies import Tally, count_transforms, describe_dropping
from distrokit.testing.conformance.wording import for_author, is_about
from distrokit.testing.memory import Telemetry, plan_in_memory, run_in_memory

if TYPE_CHECKING:
    from distrokit.pipeline.component_factory import ComponentFactory

#: Codes of problems that count as findings.
_FAULTS = ("build-failed", "detector-failed", "part-raised", "plugin-failed", "exit-timeout", "start-failed")

#: Seconds that threads may take to end after shutdown.
_GRACE = 2.0

#: Number of traces that a forked child records if the plugin's sampler is used, which may sample a few only.
_MANY = 100


class RecordingChannel(Channel):
    """Records the problems that are reported while the pipeline runs, and prints them as usual."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel.level, channel.mask, channel.said)
        self.recorded: list[Problem] = []

    def problems(self, problems: Any) -> None:
        new = list(problems)
        self.recorded.extend(new)
        super().problems(new)


@dataclass(frozen=True)
class Subject:
    """The plugin under test.

    Attributes:
        name: its name.
        module: the plugin itself.
        environ: its settings.
        child_seconds: timeout of a forked child; 0: no child, and no wait for threads.
    """

    name: str
    module: object
    environ: Mapping[str, str]
    child_seconds: float = 0

    def registries(self) -> Registries:
        """Return its own declarations, without those of installed plugins."""
        settings = Settings.from_environ(self.environ)
        return Registries.of(own_plugins(self.name, self.module, self.environ).declarations(settings), [])

    def excuses(self) -> list[str]:
        """Return texts that excuse a failing factory if its message names one: missing settings, ``pip install``."""
        return [*missing_settings(self.name, self.module, self.environ), "pip install "]


def check_pipelines(subject: Subject, report: ConformanceReport) -> Iterator[str]:
    """Build, use, fork and stop pipelines with every declaration; yield the findings."""
    excuses = subject.excuses()
    registries = subject.registries()
    for number, selection in enumerate(selections(registries), 1):
        report.doing(f"running pipeline {number}, with {', '.join(selection.values()) or 'its defaults'}")
        # A ratio from a plugin's default must not drop the child's span.
        settings = {"OTEL_TRACES_SAMPLER": "always_on", **selection}
        assembly = plan_in_memory({subject.name: subject.module}, subject.environ, installed=True, settings=settings)
        _add_non_default_processors(assembly, registries)
        tallies = count_transforms(assembly.plan, subject.name)
        channel = RecordingChannel(assembly.channel)
        assembly.channel = channel
        faults = partial(_find_faults, subject, assembly, channel, excuses)
        threads = set(threading.enumerate())
        with run_in_memory(assembly, subject.environ) as telemetry:
            report.doing(f"recording in pipeline {number}")
            record(telemetry)
            count_items = partial(_count_items, telemetry, tallies)
            counts = count_items()
            for text in describe_dropping(tallies):
                report.note(text)
            yield from _check_ids(telemetry, selection)
            in_child: list[str] = []
            exporters: list[tuple[str, Any]] = []
            if number == 1:
                exporters = yield from _build_exporters(assembly, registries, excuses, report)
            if subject.child_seconds:
                report.doing(f"forking beside pipeline {number}")
                copies = [exporter for _, exporter in exporters]
                times = _MANY if "OTEL_TRACES_SAMPLER" in selection else 1
                child = Child(telemetry, copies, times, count_items, faults)
                in_child = yield from check_child(child, counts, subject.child_seconds)
            for name, exporter in exporters:
                report.doing(f"shutting down {name}")
                yield from _shut_down(name, exporter)
            report.doing(f"stopping pipeline {number}")
        own = faults()
        yield from own
        yield from (f"in a forked child: {text}" for text in in_child if text not in own)
        if subject.child_seconds:
            yield from (
                f"threads are left after everything was shut down: {names}; every pipeline that is built would leave "
                "one. End them in shutdown(), and wait for them there."
                for names in threads_since(threads, _GRACE)
            )


def _find_faults(subject: Subject, assembly: Assembly, channel: RecordingChannel, excuses: list[str]) -> list[str]:
    """Return the plugin's problems so far."""
    return [
        for_author(problem)
        for problem in dict.fromkeys((*assembly.plan.problems, *channel.recorded))
        if problem.code in _FAULTS and is_about(problem, subject.name) and not names_any(problem.cause, excuses)
    ]


def selections(registries: Registries) -> list[dict[str, str]]:
    """Return settings for as many pipelines as needed to use each declaration once, except exporters."""
    lists: list[tuple[str, list[str]]] = [
        ("OTEL_TRACES_SAMPLER", registries.samplers.names()),
        ("OTEL_PYTHON_ID_GENERATOR", registries.id_generators.names()),
        (
            "OTEL_PROPAGATORS",
            [",".join(registries.propagators.names())] if registries.propagators.registrations else [],
        ),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", ["*"] if registries.detectors.registrations else []),
        *((PROCESSOR_SETTING[signal], registries.processors[signal].names()) for signal in SIGNALS),
    ]
    rounds = max((len(names) for _, names in lists), default=0)
    return [
        {setting: names[number] for setting, names in lists if number < len(names)} for number in range(max(1, rounds))
    ]


def _add_non_default_processors(assembly: Assembly, registries: Registries) -> None:
    """Add processors to the plan that only a configuration file would select."""
    plan = assembly.plan
    resolver = ComponentResolver(plan.settings, registries, plan.problems)
    for signal, registrations in registries.staged.items():
        for registration in registrations:
            if not registration.declaration.default:
                component = resolver.component(registration, Source("code", "check_plugin"), signal)
                plan.signals[signal].processors += [component] if component else []


def _count_items(telemetry: Telemetry, tallies: list[Tally]) -> dict[str, int]:
    """Count the items at each point of the pipeline, keyed by the finding if a child has none there."""
    ends = {"traces": len(telemetry.spans()), "metrics": len(telemetry.metrics()), "logs": len(telemetry.logs())}
    return {
        **{f"{signal} but exported none; its parent exported some": number for signal, number in ends.items()},
        **{f"{tally.signal} but none reached {tally}; its parent's did": tally.received for tally in tallies},
    }


def _check_ids(telemetry: Telemetry, selection: Mapping[str, str]) -> Iterator[str]:
    """Yield findings about the plugin's ids; an exception is reported elsewhere."""
    if "OTEL_PYTHON_ID_GENERATOR" not in selection or telemetry.pipeline.tracer_provider is None:
        return
    ids = telemetry.pipeline.tracer_provider.id_generator
    for method, bits in (("generate_trace_id", 128), ("generate_span_id", 64)):
        with suppress(Exception):
            id_: object = getattr(ids, method)()
            if not isinstance(id_, int) or not 0 < id_ < 1 << bits:
                yield (
                    f"id generator {selection['OTEL_PYTHON_ID_GENERATOR']}: {method}() returned {id_!r}; a span with "
                    f"this id cannot be sent. Return a number from 1 to 2**{bits} - 1."
                )


def _build_exporters(
    assembly: Assembly, registries: Registries, excuses: list[str], report: ConformanceReport
) -> Generator[str, None, list[tuple[str, Any]]]:
    """Build each exporter; send nothing, because no destination is known."""
    from distrokit.pipeline.component_factory import ComponentFactory

    resource = assembly.pipeline.resource if assembly.pipeline else None
    components = ComponentFactory(assembly.plan, assembly.plugins, resource)
    built: list[tuple[str, Any]] = []
    for signal in SIGNALS:
        for registration in registries.exporters[signal].registrations.values():
            name = f"exporter {registration.declaration.name} for {signal}"
            report.doing(f"building {name}")
            exporter, problems = _build_exporter(components, registries, registration, signal)
            if exporter is not None:
                built.append((name, exporter))
            for problem in problems:
                if not names_any(problem.cause, excuses):
                    yield for_author(problem)
    return built


def _build_exporter(
    components: ComponentFactory, registries: Registries, registration: Registration[Exporter], signal: Signal
) -> tuple[Any, list[Problem]]:
    plan = components.plan
    before = len(plan.problems)
    component = ComponentResolver(plan.settings, registries, plan.problems).component(registration, BUILT_IN, signal)
    if component is None:
        return None, []
    with plan.settings.exposed(plan.sdk_settings):
        exporter = components.exporter(component, signal)
    problems = plan.problems[before:]
    del plan.problems[before:]
    return exporter, [problem for problem in problems if problem.code == "build-failed"]


def _shut_down(name: str, exporter: Any) -> Iterator[str]:
    try:
        exporter.shutdown()
    except Exception as error:
        yield f"{name}: shutdown() raised {describe_exception(error)}; resources may stay open. It must return, always."
