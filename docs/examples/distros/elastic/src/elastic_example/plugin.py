"""The hooks. Nothing of OpenTelemetry is imported here: declaring must cost nothing.

There is none for the User-Agent, nor for the user's headers beside it: the distro's name and version stand in front of every
exporter's own, whatever the protocol, and headers are merged.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distrokit import (
    BuildContext,
    Check,
    Command,
    EntryPoints,
    Plan,
    Processor,
    Reader,
    ResourceDetector,
    Sampler,
    Setting,
    Settings,
    Value,
    hookimpl,
)
from elastic_example import clouds
from elastic_example.settings import SETTINGS, chosen

if TYPE_CHECKING:
    from distrokit import Pipeline

SAMPLER, SILENCE = "live-ratio", "silence"

#: The constructor's keyword of `system_metrics`: what it measures, instead of everything there is.
SYSTEM_METRICS: dict[str, list[str] | None] = {
    "process.cpu.utilization": ["user", "system"],
    "process.memory.usage": None,
    "process.thread.count": None,
    "system.cpu.utilization": ["user", "system", "idle"],
    "system.memory.usage": ["used", "free"],
}


@hookimpl
def distrokit_settings() -> tuple[Setting, ...]:
    """For the documentation, and for `distrokit explain`."""
    return SETTINGS


@hookimpl
def distrokit_resource(settings: Settings, entry_points: EntryPoints) -> list[ResourceDetector]:
    """The cloud's, beside distrokit's own."""
    return clouds.detectors(settings, entry_points)


@hookimpl
def distrokit_samplers() -> list[Sampler]:
    """The distro's default; `OTEL_TRACES_SAMPLER` may name another, which then cannot be changed from afar."""
    return [Sampler(SAMPLER, _live_ratio, _ratio)]


@hookimpl
def distrokit_processors(settings: Settings) -> list[Processor]:
    """Only where somebody could switch it."""
    return [Processor(SILENCE, "traces", "transform", _silence)] if chosen(settings).url else []


@hookimpl
def distrokit_plan(plan: Plan) -> None:
    """Hand the remote configuration to what it steers, and options to an instrumentation."""
    user = chosen(plan.settings)
    plan.problems.extend(user.problems)
    if user.url:
        from elastic_example.remote import Remote

        remote: Any = Remote(user.url, user.headers, user.interval_millis)
        for component in _steered(plan):
            component.parameters["remote"] = remote
    if "system_metrics" in plan.instrumentations:
        plan.instrumentations["system_metrics"].init_options.setdefault("config", dict(SYSTEM_METRICS))


@hookimpl
def distrokit_started(pipeline: Pipeline) -> None:
    """Begin to ask."""
    remote = _remote(pipeline.plan)
    if remote is not None:
        remote.start(pipeline)


@hookimpl
def distrokit_forked(pipeline: Pipeline) -> None:
    """The thread has stayed in the parent."""
    distrokit_started(pipeline)


@hookimpl
def distrokit_stopping(pipeline: Pipeline) -> None:
    """Nothing changes any more while the last spans are sent."""
    remote = _remote(pipeline.plan)
    if remote is not None:
        remote.stop()


@hookimpl
def distrokit_checks(plan: Plan) -> list[Check]:
    """Run the checks for `distrokit doctor`."""
    if not chosen(plan.settings).url:
        return []
    if plan.sampler is not None and plan.sampler.innermost.name == SAMPLER:
        return [Check("elastic-example-remote", "ok", "the sampling ratio can be changed from afar")]
    return [
        Check(
            "elastic-example-remote",
            "warn",
            "OTEL_TRACES_SAMPLER names another sampler, whose ratio cannot be changed from afar",
            f"export OTEL_TRACES_SAMPLER={SAMPLER}",
        )
    ]


@hookimpl
def distrokit_commands() -> list[Command]:
    """In place of a bootstrap program of its own."""
    return [Command("elastic-requirements", "the instrumentations for the libraries installed here", _requirements)]


def _steered(plan: Plan) -> list[Any]:
    """Return the components that a remote configuration changes, also inside wrappers."""
    sampler = [plan.sampler.innermost] if plan.sampler is not None else []
    components: list[Any] = [*sampler, *plan.signals["traces"].processors]
    return [component for component in components if component.name in (SAMPLER, SILENCE)]


def _remote(plan: Plan) -> Any:
    """Return what `distrokit_plan` has put into the plan: the place where a plugin keeps what it made for it."""
    given = [component.arguments.get("remote") for component in _steered(plan)]
    return next(filter(None, given), None)


def _ratio(reader: Reader) -> Mapping[str, Value[float]]:
    return {"ratio": reader.number("OTEL_TRACES_SAMPLER_ARG", 1.0, minimum=0, maximum=1, key="ratio")}


def _live_ratio(context: BuildContext) -> Any:
    from elastic_example.live_ratio import LiveRatio

    sampler = LiveRatio(context.arguments["ratio"])
    if "remote" in context.arguments:
        context.arguments["remote"].on_ratio.append(sampler.change)
    return sampler


def _silence(context: BuildContext) -> Any:
    from elastic_example.silence import Silence

    silence = Silence()
    context.arguments["remote"].on_silence.append(silence.change)
    return silence


def _requirements(arguments: argparse.Namespace) -> int:
    from elastic_example.requirements import requirements

    print("\n".join(requirements()))
    return 0
