"""The hooks. What they declare is imported when it is built, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from azure_example import settings as own
from azure_example import status
from azure_example.credentials import TokenFile, use
from distrokit import (
    Check,
    Exporter,
    ExporterOptions,
    InstrumentationPlan,
    Plan,
    Problem,
    Processor,
    Sampler,
    Setting,
    Settings,
    hookimpl,
)

if TYPE_CHECKING:
    from distrokit import Pipeline


def made(module: str, name: str, *, alone: bool = False) -> Callable[..., Any]:
    """A factory that imports its module when it is called.

    Args:
        alone: what is made takes no argument.
    """

    def factory(*arguments: Any, **keywords: Any) -> Any:
        return getattr(import_module(f"azure_example.{module}"), name)(*(() if alone else arguments), **keywords)

    return factory


class Plugin:
    """An object, and not a module: it keeps what it begins, to end it."""

    def __init__(self) -> None:
        self._live: Any = None

    @hookimpl
    def distrokit_settings(self) -> list[Setting]:
        """Declare the settings of this distro."""
        return list(own.ROWS)

    @hookimpl
    def distrokit_defaults(self, settings: Settings) -> Mapping[str, str]:
        """Given in code or in the environment, which is why it is asked for the settings."""
        return own.defaults(settings)

    @hookimpl
    def distrokit_samplers(self) -> list[Sampler]:
        """Upstream's names are upstream's; these are beside them."""
        ratio = made("sampling", "fixed_percentage")
        return [
            Sampler("azure_example.rate_limited", made("sampling", "rate_limited"), own.rate),
            Sampler("azure_example.fixed_percentage", ratio, own.ratio),
            Sampler("trace_id_ratio", ratio, own.ratio),
        ]

    @hookimpl
    def distrokit_exporters(self) -> list[Exporter]:
        """One name, three signals."""
        return [Exporter(own.NAME, ("traces", "metrics", "logs"), made("exporters", "make"), own.exporter_parameters)]

    @hookimpl
    def distrokit_processors(self, settings: Settings) -> Iterator[Processor]:
        """Declare the processors; one is declared only if its setting is on."""
        yield Processor("operation", "traces", "enrich", made("operations", "Operation", alone=True))
        if settings.flag(own.SAMPLED_LOGS):
            yield Processor("sampled-logs", "logs", "transform", made("logs", "make_sampled_only"))

    @hookimpl
    def distrokit_views(self) -> list[dict[str, Any]]:
        """Keep the attributes of server requests that the service can use."""
        keys = {"included": ["http.request.method", "http.response.status_code", "http.route"]}
        selector = {"instrument_name": "http.server.request.duration"}
        return [{"selector": selector, "stream": {"attribute_keys": keys}}]

    @hookimpl
    def distrokit_plan(self, plan: Plan) -> None:
        """Change the plan where a part depends on another selected one."""
        _without_connection(plan)
        _log_records(plan)
        plan.instrumentations["azure_sdk"] = InstrumentationPlan("azure_sdk", replacement=made("azure_sdk", "AzureSDK"))

    @hookimpl
    def distrokit_exporter_options(self, exporter: Exporter, options: ExporterOptions) -> None:
        """A token from a file; one that is given in code is another plugin's."""
        path = options.settings.get(own.TOKEN_FILE)
        if exporter.name == own.NAME and path:
            use(TokenFile(path), options)

    @hookimpl
    def distrokit_started(self, pipeline: Pipeline) -> None:
        """Begin what observes."""
        meters = pipeline.meter_provider
        if meters is not None and not own.off(pipeline.plan.settings, own.LIVE):
            self._live = made("live", "LiveMetrics")(meters.get_meter("azure_example.live"))

    @hookimpl
    def distrokit_instrumented(self, pipeline: Pipeline) -> None:
        """By now it is known what could not be applied."""
        status.write(pipeline, "started")

    @hookimpl
    def distrokit_forked(self, pipeline: Pipeline) -> None:
        """A file for the child as well."""
        status.write(pipeline, "started")

    @hookimpl
    def distrokit_stopping(self, pipeline: Pipeline) -> None:
        """End what began; by now the file knows what went wrong meanwhile."""
        if self._live is not None:
            self._live.stop()
        status.write(pipeline, "stopped")

    @hookimpl
    def distrokit_checks(self, plan: Plan) -> list[Check]:
        """For ``distrokit doctor``."""
        if plan.settings.get(own.CONNECTION):
            return [Check("azure-example-connection", "ok", f"{own.CONNECTION} is set")]
        return [Check("azure-example-connection", "fail", f"{own.CONNECTION} is not set", f"export {own.CONNECTION}=…")]


def _without_connection(plan: Plan) -> None:
    """One line, and not three of exporters that could not be built."""
    nowhere = False
    for planned in plan.signals.values():
        for item in list(planned.exporters):
            if item.exporter.declaration.name == own.NAME and not item.exporter.arguments["endpoint"]:
                planned.exporters.remove(item)
                nowhere = True
    if nowhere and not any(problem.subject.startswith(own.CONNECTION) for problem in plan.problems):
        plan.problems.append(
            Problem(
                code="azure-no-connection",
                subject=own.CONNECTION,
                cause="it is not set",
                outcome=f"{own.NAME} sends nothing",
                remedy="Set it to the connection string of your resource.",
            )
        )


def _log_records(plan: Plan) -> None:
    """One logger, or another text: the handler is attached here, and not once more by the instrumentation."""
    name, text = plan.settings.get(own.LOGGER), plan.settings.get(own.FORMAT)
    if not (name or text):
        return
    if "logging" in plan.instrumentations:
        plan.instrumentations["logging"].options["enable_log_auto_instrumentation"] = False
    plan.instrumentations["azure_logging"] = InstrumentationPlan(
        "azure_logging",
        replacement=made("logs", "NamedLogger"),
        init_options={"logger_name": name, "logging_format": text},
    )


PLUGIN = Plugin()
