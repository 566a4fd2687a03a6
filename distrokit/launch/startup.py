"""From a plan to a running pipeline: the build, OpAMP agents, and the end of the start."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from distrokit.diagnostics import write_to_terminal
from distrokit.instrumentation import keep_variables
from distrokit.launch.assembly import Assembly, make_assembly, start_failed
from distrokit.launch.startup_line import startup_line
from distrokit.plugins.distros import CHOSEN_BY
from distrokit.settings.environ import SAID, import_propagate, put, telemetry_in_environ
from distrokit.settings.layers import named_by_user
from distrokit.threads import block_signals

if TYPE_CHECKING:
    from distrokit.lazy.on_demand import OnDemand
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.pipeline.process_resource import ProcessResource

#: Largest number of printed lines that children do not print again.
_MOST_SAID = 100


def start_pipeline(
    assembly: Assembly, resource_attributes: Mapping[str, Any] | None = None, on_demand: OnDemand | None = None
) -> Pipeline | None:
    """Build the plan and run it; of a disabled plan, only the propagators.

    Args:
        resource_attributes: attributes that only the caller knows, such as ``telemetry.auto.version``.
        on_demand: what has started it; ``None`` if it starts with the process, or in code.

    Returns:
        ``None`` if the start failed as a whole.

    Raises:
        StrictError: under ``DISTROKIT_STRICT=1``, when there is any problem.
    """
    try:
        pipeline = make_pipeline(assembly, on_demand=on_demand)
        if assembly.plan.disabled.value:
            # Nothing is recorded, but context is propagated (specification, *Environment Variables*, general).
            assembly.pipeline = pipeline
            pipeline.propagate()
            return pipeline
        # Imported here, since it imports the SDK.
        from distrokit.pipeline import opamp

        resource, distro = None, named_by_user(assembly.plan.settings, CHOSEN_BY)
        before = opamp.find_function(assembly.installed, opamp.BEFORE, distro)
        if before is not None:
            resource = _give_resource(assembly, before, resource_attributes)
            pipeline = make_pipeline(assembly, on_demand=on_demand)
        # Set before the build, since hooks may use it.
        assembly.pipeline = pipeline
        keep_variables(assembly.plan)
        pipeline.start(resource_attributes, resource)
        if pipeline.resource is not None:
            after = opamp.find_function(assembly.installed, opamp.AFTER, distro)
            assembly.plan.problems.extend(opamp.call_function(after, pipeline.resource))
        return pipeline
    except Exception as error:
        assembly.plan.problems.append(start_failed(error))
        return None
    finally:
        assembly.report()


def make_pipeline(assembly: Assembly, *, isolated: bool = False, on_demand: OnDemand | None = None) -> Pipeline:
    """Return the plan's pipeline without starting it.

    Args:
        on_demand: see :func:`start_pipeline`.
        isolated: see :class:`~distrokit.pipeline.pipeline.Pipeline`.
    """
    import_propagate()
    # Imported here: only a build needs the SDK, which reads settings while it is imported. It also starts threads then,
    # which must leave the application's signals alone.
    with block_signals(), assembly.plan.settings.exposed(assembly.plan.sdk_settings):
        from distrokit.pipeline.pipeline import Pipeline

    return Pipeline(assembly.plan, assembly.plugins, assembly.channel, on_demand, isolated=isolated)


def _give_resource(
    assembly: Assembly, before: EntryPoint, resource_attributes: Mapping[str, Any] | None
) -> ProcessResource:
    """Build the resource and pass it to an OpAMP agent, which may change the environment; if so, plan again."""
    from distrokit.pipeline.opamp import call_function
    from distrokit.pipeline.resource import build_resource

    with assembly.plan.settings.exposed(assembly.plan.sdk_settings):
        resource = build_resource(assembly.plan, resource_attributes or {})
    environ = telemetry_in_environ()
    problems = call_function(before, resource)
    if telemetry_in_environ() != environ:
        # The second plan does not find again what the start added to the first one.
        problems = [*assembly.plan.problems[assembly.problem_count :], *problems]
        second = make_assembly(assembly.inputs)
        assembly.plan, assembly.plugins = second.plan, second.plugins
        assembly.installed, assembly.channel = second.installed, second.channel
    assembly.plan.problems.extend(problems)
    return resource


def finish_start(assembly: Assembly) -> None:
    """Finish the start, after all instrumentations: print new problems, and one line about what runs.

    Raises: as :meth:`Assembly.report`.
    """
    pipeline = assembly.pipeline
    if pipeline is not None:
        # Instrumentations and exporters have created loggers since the build.
        pipeline.listen()
        if not (pipeline.stopped or assembly.plan.disabled.value):
            assembly.plugins.instrumented(pipeline)
        pipeline.handle_os_signals()
    assembly.report()
    channel = assembly.channel
    at_a_terminal = assembly.plan.settings.log_level is None and write_to_terminal()
    running = pipeline is not None and not pipeline.stopped
    if running and (channel.level <= logging.INFO or at_a_terminal):
        channel.say(max(channel.level, logging.INFO), startup_line(assembly.plan, _service(assembly)))
    # Child processes do not print the same lines again.
    put(SAID, ",".join(list(channel.said)[-_MOST_SAID:]) or None)


def _service(assembly: Assembly) -> str:
    """Return the service's name as it is sent, or would be."""
    resource = assembly.pipeline.resource if assembly.pipeline else None
    if resource is not None:
        return str(resource.attributes.get("service.name", ""))
    planned = assembly.plan.resource.attributes.get("service.name")
    return str(planned.value) if planned else ""
