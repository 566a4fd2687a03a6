"""From the environment to a plan, and from a plan to a running pipeline; every entry point uses it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from distrokit.diagnostics import Channel, Problem, StrictError, describe_exception, trace_of, write_to_terminal
from distrokit.instrumentation import keep_variables
from distrokit.launch.startup_line import startup_line
from distrokit.plan.plan import Plan
from distrokit.plan.planner import CONFIG_FILE, make_plan
from distrokit.plugins.active_distro import find_active_distro
from distrokit.plugins.distros import CHOSEN_BY, Distro
from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import Plugins
from distrokit.settings.environ import SAID, import_propagate, put, telemetry_in_environ
from distrokit.settings.layers import Settings, named_by_user
from distrokit.settings.pyproject import with_old_names, with_project
from distrokit.settings.values import Value

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.pipeline.process_resource import ProcessResource

#: Largest number of printed lines that children do not print again.
_MOST_SAID = 100


class Assembly:
    """A plan with the plugins that made it, and the channel that prints its problems.

    Attributes:
        plan: never ``None``; ``plan.disabled`` when ``OTEL_SDK_DISABLED=true``.
        plugins: calls the remaining hooks.
        pipeline: the running pipeline; ``None`` until its build begins.
        installed: the entry points in which plugins and components were found.
        channel: prints to stderr at ``OTEL_LOG_LEVEL``; ``warn`` if that is unset.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        plugins: Mapping[str, object] | None = None,
        installed: EntryPoints | None = None,
        plan_when_disabled: bool = False,
        settings: Mapping[str, str] | None = None,
        *,
        project: bool = True,
        distro: Distro | None = None,
    ) -> None:
        """Make the plan; imports no SDK, opens nothing, starts nothing.

        Args:
            environ: ``None`` reads ``os.environ``.
            plugins: plugins beside the installed ones, by name.
            installed: the entry points of plugins and components; ``None`` scans the installed distributions.
            plan_when_disabled: false makes an empty plan without plugins under ``OTEL_SDK_DISABLED``.
            settings: set in code; they override the environment.
            project: whether ``pyproject.toml`` is read.
            distro: the active distro; ``None`` selects one of the installed ones.
        """
        self.pipeline: Pipeline | None = None
        self._given = (plugins, installed, settings, distro)
        self._environ, self._when_disabled, self._project = environ, plan_when_disabled, project
        self._make_plan()

    def _make_plan(self) -> None:
        problems: list[Problem] = []
        plugins, installed, settings, distro = self._given
        given = Settings.from_environ(self._environ, settings)
        known = with_old_names(with_project(given, problems) if self._project else given)
        self.installed = installed or EntryPoints()
        self.channel = channel(known)
        # With a configuration file, the file decides.
        file = known.get(CONFIG_FILE)
        disabled = known.value("OTEL_SDK_DISABLED") if known.sdk_disabled and not file else None
        self.plugins = Plugins()
        if disabled and not self._when_disabled:
            self.plan = Plan(known, problems=self.plugins.problems)
        else:
            try:
                self.installed = installed or EntryPoints.scan()
                problems += self.installed.problems
                active_distro = find_active_distro(known, self.installed, problems, distro)
                known = known.with_layers(active_distro.layer())
                self.plugins = Plugins.load(known, self.installed, plugins, active_distro)
                self.plan = make_plan(known, self.plugins)
            except Exception as error:
                # Log an unexpected error in one line; the application still runs.
                self.plan = Plan(known, plugins=self.plugins.candidates, problems=self.plugins.problems)
                self.plan.problems.append(start_failed(error))
            # The plan's settings include plugins' defaults, and the secrets among them.
            self.channel.mask = self.plan.settings.mask
            level = self.plan.settings.log_level
            self.channel.level = logging.WARNING if level is None else level
        self.plan.problems.extend(problems)
        if disabled:
            self.plan.disabled = Value(True, disabled.source)
        self._planned = len(self.plan.problems)

    def again(self, **environ: str) -> Assembly:
        """Make the same plan with other environment variables; starts nothing."""
        plugins, installed, settings, distro = self._given
        changed = {**self.plan.settings.environ, **environ}
        return Assembly(changed, plugins, installed, plan_when_disabled=True, settings=settings, distro=distro)

    def bare(self) -> Assembly:
        """Make a plan with the same plugins and without any setting."""
        plugins, installed, _, distro = self._given
        return Assembly({}, plugins, installed, plan_when_disabled=True, project=False, distro=distro)

    def model(self) -> dict[str, Any]:
        """Return the effective configuration as OpenTelemetry's configuration model, without secrets."""
        from distrokit.plan.configuration_model import model_of

        return model_of(self.plan)

    def left_out_of_model(self) -> list[str]:
        """Return a sentence for each part of the plan that :meth:`model` cannot express."""
        from distrokit.plan.configuration_model import left_out

        return list(left_out(self.plan))

    def start(self, resource_attributes: Mapping[str, Any] | None = None) -> Pipeline | None:
        """Build the plan and run it; of a disabled plan, only the propagators.

        Args:
            resource_attributes: attributes that only the caller knows, such as ``telemetry.auto.version``.

        Returns:
            ``None`` if the start failed as a whole.

        Raises:
            StrictError: under ``DISTROKIT_STRICT=1``, when there is any problem.
        """
        try:
            pipeline = self.idle()
            if self.plan.disabled.value:
                # Nothing is recorded, but context is propagated (specification, *Environment Variables*, general).
                self.pipeline = pipeline
                pipeline.propagate()
                return pipeline
            # Imported here, since it imports the SDK.
            from distrokit.pipeline import opamp

            resource, distro = None, named_by_user(self.plan.settings, CHOSEN_BY)
            before = opamp.find_function(self.installed, opamp.BEFORE, distro)
            if before is not None:
                resource = self._resource(before, resource_attributes)
                pipeline = self.idle()
            # Set before the build, since hooks may use it.
            self.pipeline = pipeline
            keep_variables(self.plan)
            pipeline.start(resource_attributes, resource)
            if pipeline.resource is not None:
                after = opamp.find_function(self.installed, opamp.AFTER, distro)
                self.plan.problems.extend(opamp.call_function(after, pipeline.resource))
            return pipeline
        except Exception as error:
            self.plan.problems.append(start_failed(error))
            return None
        finally:
            self.report()

    def idle(self, *, isolated: bool = False) -> Pipeline:
        """Return the pipeline without starting it.

        Args:
            isolated: see :class:`~distrokit.pipeline.pipeline.Pipeline`.
        """
        import_propagate()
        # Imported here: only a build needs the SDK, which reads settings while it is imported.
        with self.plan.settings.exposed(self.plan.sdk_settings):
            from distrokit.pipeline.pipeline import Pipeline

        return Pipeline(self.plan, self.plugins, self.channel, isolated=isolated)

    def _resource(self, before: EntryPoint, resource_attributes: Mapping[str, Any] | None) -> ProcessResource:
        """Build the resource and pass it to an OpAMP agent, which may change the environment; if so, plan again."""
        from distrokit.pipeline.opamp import call_function
        from distrokit.pipeline.resource import build_resource

        with self.plan.settings.exposed(self.plan.sdk_settings):
            resource = build_resource(self.plan, resource_attributes or {})
        environ = telemetry_in_environ()
        problems = call_function(before, resource)
        if telemetry_in_environ() != environ:
            # The second plan does not find again what was added to the first one.
            problems = [*self.plan.problems[self._planned :], *problems]
            self._make_plan()
        self.plan.problems.extend(problems)
        return resource

    def started(self) -> None:
        """Finish the start, after all instrumentations: print new problems, and one line about what runs.

        Raises: as :meth:`report`.
        """
        if self.pipeline is not None:
            # Instrumentations and exporters have created loggers since the build.
            self.pipeline.listen()
            if not (self.pipeline.stopped or self.plan.disabled.value):
                self.plugins.instrumented(self.pipeline)
            self.pipeline.handle_os_signals()
        self.report()
        running = self.pipeline is not None and not self.pipeline.stopped
        if running and (self.channel.level <= logging.INFO or self._at_a_terminal()):
            self.channel.say(max(self.channel.level, logging.INFO), startup_line(self.plan, self._service()))
        # Child processes do not print the same lines again.
        put(SAID, ",".join(list(self.channel.said)[-_MOST_SAID:]) or None)

    def _service(self) -> str:
        """Return the service's name as it is sent, or would be."""
        resource = self.pipeline.resource if self.pipeline else None
        if resource is not None:
            return str(resource.attributes.get("service.name", ""))
        planned = self.plan.resource.attributes.get("service.name")
        return str(planned.value) if planned else ""

    def _at_a_terminal(self) -> bool:
        return self.plan.settings.log_level is None and write_to_terminal()

    def report(self) -> None:
        """Print problems that were not printed before.

        Raises:
            StrictError: under ``DISTROKIT_STRICT=1``, when there is any problem; not under ``OTEL_SDK_DISABLED``.
        """
        self.channel.problems(self.plan.problems)
        if self.plan.settings.strict and self.plan.problems and not self.plan.settings.sdk_disabled:
            raise StrictError(self.plan.problems)


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


def channel(settings: Settings) -> Channel:
    """Return a channel at ``OTEL_LOG_LEVEL`` that masks these settings' secrets."""
    level = settings.log_level
    said = dict.fromkeys(filter(None, settings.environ.get(SAID, "").split(",")))
    return Channel(logging.WARNING if level is None else level, settings.mask, said)
