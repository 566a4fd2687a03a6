"""Each declaration is built by the real builder, used, forked and shut down."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from distrokit.declarations import SIGNALS, Exporter, Signal
from distrokit.diagnostics import Channel, Problem, describe_exception
from distrokit.launch.startup import Assembly
from distrokit.plan.component_resolver import ComponentResolver
from distrokit.plan.registry import Registration, Registries
from distrokit.plan.resolver import PROCESSOR_SETTING
from distrokit.settings.layers import Settings
from distrokit.settings.values import BUILT_IN, Source
from distrokit.testing.conformance.declaring import missing_settings, names_any, own_plugins
from distrokit.testing.conformance.footprint import threads_since
from distrokit.testing.conformance.forking import Child, lost_in_child
from distrokit.testing.conformance.recording import record
from distrokit.testing.conformance.report import Report
from distrokit.testing.conformance.tallies import Tally, count_transforms, dropping
from distrokit.testing.conformance.wording import for_author, is_about
from distrokit.testing.memory import Telemetry, kept_in_memory, with_memory

#: What says that something did not work, among problems.
_FAULTS = ("build-failed", "detector-failed", "part-raised", "plugin-failed", "exit-timeout", "start-failed")

#: Seconds in which threads that were told to end have ended.
_GRACE = 2.0

#: How many traces a forked child records where the plugin's own sampler decides: it may sample a few of them only.
_OFTEN = 100


class Heard(Channel):
    """Keeps the problems that are said while the pipeline runs, and prints them as ever."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel.level, channel.mask, channel.said)
        self.heard: list[Problem] = []

    def problems(self, problems: Any) -> None:
        found = list(problems)
        self.heard.extend(found)
        super().problems(found)


@dataclass(frozen=True)
class Subject:
    """The plugin that is looked at.

    Attributes:
        name: its name.
        module: itself.
        environ: settings it is given.
        child_seconds: in which a forked child has to end; 0 for no child, and no wait for threads.
    """

    name: str
    module: object
    environ: Mapping[str, str]
    child_seconds: float = 0

    def registries(self) -> Registries:
        """What it declares by itself, without what is installed."""
        settings = Settings.from_environ(self.environ)
        return Registries.of(own_plugins(self.name, self.module, self.environ).declarations(settings), [])

    def excuses(self) -> list[str]:
        """What a message names when a factory cannot be blamed: a setting, or a package, that is not there."""
        return [*missing_settings(self.name, self.module, self.environ), "pip install "]


def looked_at(subject: Subject, report: Report) -> Iterator[str]:
    """Every finding."""
    needed = subject.excuses()
    registries = subject.registries()
    for number, choice in enumerate(choices(registries), 1):
        report.doing(f"running pipeline {number}, with {', '.join(choice.values()) or 'what it does unasked'}")
        # A ratio that somebody's default sets must not decide whether a child's span comes out.
        settings = {"OTEL_TRACES_SAMPLER": "always_on", **choice}
        assembly = with_memory({subject.name: subject.module}, subject.environ, installed=True, settings=settings)
        _add_unasked(assembly, registries)
        tallies = count_transforms(assembly.plan, subject.name)
        heard = Heard(assembly.channel)
        assembly.channel = heard
        faults = partial(_faults, subject, assembly, heard, needed)
        threads = set(threading.enumerate())
        with kept_in_memory(assembly, subject.environ) as telemetry:
            report.doing(f"recording in pipeline {number}")
            record(telemetry)
            came_out = partial(_came_out, telemetry, tallies)
            here = came_out()
            for text in dropping(tallies):
                report.note(text)
            yield from _ids(telemetry, choice)
            in_child: list[str] = []
            exporters: list[tuple[str, Any]] = []
            if number == 1:
                exporters = yield from _exporters(subject, assembly, registries, report)
            if subject.child_seconds:
                report.doing(f"forking beside pipeline {number}")
                copies = [exporter for _, exporter in exporters]
                times = _OFTEN if "OTEL_TRACES_SAMPLER" in choice else 1
                child = Child(telemetry, copies, times, came_out, faults)
                in_child = yield from lost_in_child(child, here, subject.child_seconds)
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


def _faults(subject: Subject, assembly: Assembly, heard: Heard, needed: list[str]) -> list[str]:
    """What did not work so far and is the plugin's."""
    return [
        for_author(problem)
        for problem in dict.fromkeys((*assembly.plan.problems, *heard.heard))
        if problem.code in _FAULTS and is_about(problem, subject.name) and not names_any(problem.cause, needed)
    ]


def choices(registries: Registries) -> list[dict[str, str]]:
    """Settings for as many pipelines as it takes to have each declaration in one, exporters left out."""
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


def _add_unasked(assembly: Assembly, registries: Registries) -> None:
    """What only a configuration file would name stands in its stage as well."""
    plan = assembly.plan
    resolver = ComponentResolver(plan.settings, registries, plan.problems)
    for signal, registrations in registries.staged.items():
        for registration in registrations:
            if not registration.declaration.default:
                component = resolver.component(registration, Source("code", "check_plugin"), signal)
                plan.signals[signal].processors += [component] if component else []


def _came_out(telemetry: Telemetry, tallies: list[Tally]) -> dict[str, int]:
    """How many items came how far, by what it means when there are none in a child."""
    ends = {"traces": len(telemetry.spans()), "metrics": len(telemetry.metrics()), "logs": len(telemetry.logs())}
    return {
        **{f"{signal} and none came out; its parent's came out": number for signal, number in ends.items()},
        **{f"{tally.signal} and none came to {tally}; its parent's did": tally.given for tally in tallies},
    }


def _ids(telemetry: Telemetry, choice: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the ids that the plugin makes; that it raises is known."""
    if "OTEL_PYTHON_ID_GENERATOR" not in choice or telemetry.pipeline.tracer_provider is None:
        return
    ids = telemetry.pipeline.tracer_provider.id_generator
    for method, bits in (("generate_trace_id", 128), ("generate_span_id", 64)):
        with suppress(Exception):
            made: object = getattr(ids, method)()
            if not isinstance(made, int) or not 0 < made < 1 << bits:
                yield (
                    f"id generator {choice['OTEL_PYTHON_ID_GENERATOR']}: {method}() returned {made!r}, and a span "
                    f"with that cannot be sent. Return a number from 1 to 2**{bits} - 1."
                )


def _exporters(
    subject: Subject, assembly: Assembly, registries: Registries, report: Report
) -> Generator[str, None, list[tuple[str, Any]]]:
    """Build each exporter; nothing is sent through it, since nobody has said where to."""
    from distrokit.pipeline.components import Components

    built: list[tuple[str, Any]] = []
    needed = subject.excuses()
    for signal in SIGNALS:
        for registration in registries.exporters[signal].registrations.values():
            name = f"exporter {registration.declaration.name} for {signal}"
            report.doing(f"building {name}")
            exporter, problems = _built(assembly, registries, registration, signal, Components)
            if exporter is not None:
                built.append((name, exporter))
            for problem in problems:
                if not names_any(problem.cause, needed):
                    yield for_author(problem)
    return built


def _built(
    assembly: Assembly, registries: Registries, registration: Registration[Exporter], signal: Signal, components: Any
) -> tuple[Any, list[Problem]]:
    plan = assembly.plan
    before = len(plan.problems)
    component = ComponentResolver(plan.settings, registries, plan.problems).component(registration, BUILT_IN, signal)
    if component is None:
        return None, []
    builder = components(plan, assembly.plugins)
    builder.resource = assembly.pipeline.resource if assembly.pipeline else None
    with plan.settings.exposed(plan.sdk_settings):
        exporter = builder.exporter(component, signal)
    problems = plan.problems[before:]
    del plan.problems[before:]
    return exporter, [problem for problem in problems if problem.code == "build-failed"]


def _shut_down(name: str, exporter: Any) -> Iterator[str]:
    try:
        exporter.shutdown()
    except Exception as error:
        yield f"{name}: shutdown() raised {describe_exception(error)}; what it holds may stay. Let it return, always."
