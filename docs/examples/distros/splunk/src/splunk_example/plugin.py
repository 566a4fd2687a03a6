"""The hooks. Nothing of OpenTelemetry is imported here: declaring must cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distrokit import (
    BuildContext,
    Check,
    Exporter,
    ExporterOptions,
    Plan,
    Problem,
    Processor,
    Propagator,
    ResponsePropagator,
    Setting,
    Settings,
    hookimpl,
)
from splunk_example import ingest
from splunk_example.settings import SETTINGS, TOKEN, chosen

if TYPE_CHECKING:
    from distrokit import Pipeline

UNNAMED = "unnamed-python-service"


@hookimpl
def distrokit_settings() -> tuple[Setting, ...]:
    """For the documentation, and for `distrokit explain SPLUNK_REALM`."""
    return SETTINGS


@hookimpl
def distrokit_defaults(settings: Settings) -> Mapping[str, str]:
    """Those that depend on something; the fixed ones are the distro's."""
    return ingest.defaults(chosen(settings).realm)


@hookimpl
def distrokit_resource() -> dict[str, str]:
    """A name for the nameless; whatever the user calls the service is stronger."""
    return {"service.name": UNNAMED}


@hookimpl
def distrokit_response_propagators(settings: Settings) -> list[ResponsePropagator]:
    """Beside those of others."""
    return [ResponsePropagator("server-timing", _server_timing)] if chosen(settings).response_header else []


@hookimpl
def distrokit_propagators(settings: Settings) -> list[Propagator]:
    """For a configuration file that names it; the setting adds it in `distrokit_plan`."""
    return [_snapshots(settings)]


@hookimpl
def distrokit_processors(settings: Settings) -> list[Processor]:
    """At `enrich`: before any exporter has the span, whatever was added when."""
    return [Processor("snapshots", "traces", "enrich", _marks)] if chosen(settings).snapshots else []


@hookimpl
def distrokit_plan(plan: Plan) -> None:
    """Change the plan where a part depends on what other plugins have selected."""
    user = chosen(plan.settings)
    plan.problems.extend([*user.problems, *ingest.wrong_protocol(plan, user.realm)])
    if user.snapshots:
        plan.add_propagator(_snapshots(plan.settings))
    elif user.snapshots is False and plan.propagators is not None:
        plan.propagators = [propagator for propagator in plan.propagators if propagator.name != "snapshots"]
    if "logging" in plan.instrumentations:
        # Off stays off: who disables it, disables it.
        plan.instrumentations["logging"].options.setdefault("inject_trace_context", True)


@hookimpl
def distrokit_exporter_options(exporter: Exporter, options: ExporterOptions) -> None:
    """The token, on its way and nowhere else."""
    ingest.add_token(options, chosen(options.settings).token)


@hookimpl
def distrokit_started(pipeline: Pipeline) -> None:
    """Where Splunk's distro reports over OpAMP."""
    path = chosen(pipeline.plan.settings).report
    if not path or pipeline.resource is None:
        return
    from splunk_example.report import write_report

    try:
        write_report(pipeline.plan, dict(pipeline.resource.attributes), path)
    except OSError as error:
        pipeline.report(
            Problem(
                code="splunk-example-report",
                subject=f"report {path}",
                cause=str(error),
                outcome="nobody can look there for what is running",
                remedy="Name a file in a folder that is there.",
                severity="warning",
            )
        )


@hookimpl
def distrokit_checks(plan: Plan) -> list[Check]:
    """Run the checks for `distrokit doctor`."""
    user = chosen(plan.settings)
    name = plan.resource.attributes["service.name"].value
    named = Check("splunk-example-service", "ok", f"service.name is {name}")
    if name == UNNAMED:
        named = Check("splunk-example-service", "warn", f"service.name is {UNNAMED}", "export OTEL_SERVICE_NAME=…")
    checks = [named]
    if user.realm:
        token = Check("splunk-example-token", "ok", f"{TOKEN} is set")
        missing = Check("splunk-example-token", "fail", f"realm {user.realm} needs a token", f"export {TOKEN}=…")
        checks.append(token if user.token else missing)
    return checks


def _server_timing(context: BuildContext) -> Any:
    from splunk_example.server_timing import ServerTiming

    return ServerTiming()


def _snapshots(settings: Settings) -> Propagator:
    share = chosen(settings).share

    def make(context: BuildContext) -> Any:
        from splunk_example.snapshots import Choice

        return Choice(share)

    return Propagator("snapshots", make)


def _marks(context: BuildContext) -> Any:
    from splunk_example.snapshots import Marks

    return Marks()
