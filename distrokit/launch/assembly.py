"""Makes the plan for an environment; every entry point and every command uses it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrokit.diagnostics import Channel, Problem, StrictError, describe_exception, trace_of
from distrokit.plan.plan import Plan
from distrokit.plan.planner import CONFIG_FILE, make_plan
from distrokit.plugins.active_distro import find_active_distro
from distrokit.plugins.distros import Distro
from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import Plugins
from distrokit.settings.environ import SAID
from distrokit.settings.layers import Settings
from distrokit.settings.pyproject import with_old_names, with_project
from distrokit.settings.values import Value

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline


@dataclass(frozen=True)
class PlanInputs:
    """The arguments of :func:`plan_for`."""

    environ: Mapping[str, str] | None = None
    plugins: Mapping[str, object] | None = None
    installed: EntryPoints | None = None
    settings: Mapping[str, str] | None = None
    project: bool = True
    distro: Distro | None = None
    directory: str | None = None


@dataclass
class Assembly:
    """A plan with the plugins that made it, and the channel that prints its problems.

    Attributes:
        plan: ``plan.disabled`` is set when ``OTEL_SDK_DISABLED=true``.
        plugins: calls the remaining hooks.
        installed: the entry points in which plugins and components were found.
        channel: prints to stderr at ``OTEL_LOG_LEVEL``; ``warn`` if that is unset.
        inputs: what the plan was made from.
        problem_count: number of problems that planning found; the start adds others to the plan.
        pipeline: the running pipeline; ``None`` until its build begins.
    """

    plan: Plan
    plugins: Plugins
    installed: EntryPoints
    channel: Channel
    inputs: PlanInputs
    problem_count: int
    pipeline: Pipeline | None = None

    def again(self, **environ: str) -> Assembly:
        """Make the same plan with other environment variables; starts nothing."""
        changed = {**self.plan.settings.environ, **environ}
        return make_assembly(replace(self.inputs, environ=changed))

    def bare(self) -> Assembly:
        """Make a plan with the same plugins and without any setting."""
        return make_assembly(replace(self.inputs, environ={}, settings=None, project=False))

    def model(self) -> dict[str, Any]:
        """Return the effective configuration as OpenTelemetry's configuration model, without secrets."""
        from distrokit.plan.model_writer import model_of

        return model_of(self.plan)

    def left_out_of_model(self) -> list[str]:
        """Return a sentence for each part of the plan that :meth:`model` cannot express."""
        from distrokit.plan.model_writer import describe_left_out

        return list(describe_left_out(self.plan))

    def report(self) -> None:
        """Print problems that were not printed before.

        Raises:
            StrictError: under ``DISTROKIT_STRICT=1``, when there is any problem; not under ``OTEL_SDK_DISABLED``.
        """
        self.channel.problems(self.plan.problems)
        if self.plan.settings.strict and self.plan.problems and not self.plan.settings.sdk_disabled:
            raise StrictError(self.plan.problems)


def plan_for(
    environ: Mapping[str, str] | None = None,
    plugins: Mapping[str, object] | None = None,
    installed: EntryPoints | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    project: bool = True,
    distro: Distro | None = None,
    directory: str | None = None,
) -> Assembly:
    """Make the plan; import no SDK, open nothing, start nothing, raise nothing.

    Args:
        environ: ``None`` reads ``os.environ``.
        plugins: plugins beside the installed ones, by name.
        installed: the entry points of plugins and components; ``None`` scans the installed distributions.
        settings: set in code; they override the environment.
        project: whether ``pyproject.toml`` is read.
        distro: the active distro; ``None`` selects one of the installed ones.
        directory: where ``pyproject.toml`` is looked for; ``None`` for the working directory.
    """
    return make_assembly(PlanInputs(environ, plugins, installed, settings, project, distro, directory))


def make_assembly(inputs: PlanInputs) -> Assembly:
    """Make the plan of these inputs."""
    problems: list[Problem] = []
    given = Settings.from_environ(inputs.environ, inputs.settings)
    directory = Path(inputs.directory) if inputs.directory else None
    settings = with_old_names(with_project(given, problems, directory) if inputs.project else given)
    channel = channel_for(settings)
    # With a configuration file, the file decides.
    disabled = settings.value("OTEL_SDK_DISABLED") if settings.sdk_disabled and not settings.get(CONFIG_FILE) else None
    plugins, installed = Plugins(), EntryPoints() if inputs.installed is None else inputs.installed
    try:
        if inputs.installed is None:
            installed = EntryPoints.scan()
        problems += installed.problems
        active_distro = find_active_distro(settings, installed, problems, inputs.distro)
        settings = settings.with_layers(active_distro.layer())
        plugins = Plugins.load(settings, installed, inputs.plugins, active_distro)
        plan = make_plan(settings, plugins)
    except Exception as error:
        # Log an unexpected error in one line; the application still runs.
        plan = Plan(settings, plugins=plugins.candidates, problems=plugins.problems)
        plan.problems.append(start_failed(error))
    # The plan's settings include plugins' defaults, and the secrets among them.
    channel.mask = plan.settings.mask
    channel.level = _level(plan.settings)
    plan.problems.extend(problems)
    if disabled:
        plan.disabled = Value(True, disabled.source)
    return Assembly(plan, plugins, installed, channel, inputs, len(plan.problems))


def start_failed(error: BaseException) -> Problem:
    """Return the problem of a start that failed as a whole, which is a bug in distrokit."""
    return Problem(
        code="start-failed",
        subject="start",
        cause=describe_exception(error),
        outcome="telemetry may be missing; the application runs",
        remedy="Set OTEL_LOG_LEVEL=debug to see where, and report it.",
        detail=trace_of(error),
    )


def channel_for(settings: Settings) -> Channel:
    """Return a channel at ``OTEL_LOG_LEVEL`` that masks these settings' secrets."""
    said = dict.fromkeys(filter(None, settings.environ.get(SAID, "").split(",")))
    return Channel(_level(settings), settings.mask, said)


def _level(settings: Settings) -> int:
    return logging.WARNING if settings.log_level is None else settings.log_level
