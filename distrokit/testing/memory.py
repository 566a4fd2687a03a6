"""Builds the real pipeline of a plan with in-memory exporters, without setting the process's globals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from distrokit.declarations import SIGNALS, BuildContext, Exporter, ExporterOptions, Processor, Signal
from distrokit.diagnostics import Problem
from distrokit.hookspecs import hookimpl
from distrokit.launch.startup import make_pipeline
from distrokit.plan.plan import Plan
from distrokit.plugins.distros import Distro
from distrokit.settings.environ import only
from distrokit.testing.items import Log, Metric, Span
from distrokit.testing.ordering import logs_in_order, merge, series_in_order, spans_in_order
from distrokit.testing.planning import Plugins, assemble, name_plugins

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from distrokit.launch.assembly import Assembly
    from distrokit.pipeline.pipeline import Pipeline

#: Sorts after every other plugin.
_LAST = "~in-memory"

_MEMORY = "memory"

#: Milliseconds.
_FLUSH = 10_000


class Telemetry:
    """The result of :func:`in_memory`.

    Attributes:
        plan: the plan that was built.
        pipeline: the running pipeline: ``resource``, ``propagator``, ``flush()``, ``stop()``, and the SDK's providers.
    """

    def __init__(self, pipeline: Pipeline, kept: list[tuple[ExporterOptions, Any]]) -> None:
        self.plan: Plan = pipeline.plan
        self.pipeline = pipeline
        self._kept = kept

    @property
    def exporters(self) -> list[ExporterOptions]:
        """Options for each exporter's factory, after every ``distrokit_exporter_options``; by signal, in plan order."""
        return [options for options, _ in self._kept]

    @property
    def problems(self) -> list[Problem]:
        """Problems of the plan, and those found since."""
        return self.plan.problems

    @property
    def tracer_provider(self) -> TracerProvider:
        """The tracer provider for the application; OpenTelemetry's no-op if the plan builds none."""
        from opentelemetry.trace import NoOpTracerProvider

        return self.pipeline.tracer_provider or NoOpTracerProvider()

    @property
    def meter_provider(self) -> MeterProvider:
        """The meter provider for the application; OpenTelemetry's no-op if the plan builds none."""
        from opentelemetry.metrics import NoOpMeterProvider

        return self.pipeline.meter_provider or NoOpMeterProvider()

    @property
    def logger_provider(self) -> LoggerProvider:
        """The logger provider for the application; OpenTelemetry's no-op if the plan builds none."""
        from opentelemetry._logs import NoOpLoggerProvider

        return self.pipeline.logger_provider or NoOpLoggerProvider()

    def spans(self, exporter: str | None = None) -> list[Span]:
        """Flush, and return the spans exported so far, by start time.

        Args:
            exporter: only the items of this exporter, such as ``otlp`` or ``otlp/backup``; ``None``: of all exporters,
                without duplicates.

        Raises:
            ValueError: the plan has no such exporter.
        """
        self._flush()
        return spans_in_order(merge(self._items("traces", exporter)))

    def metrics(self, exporter: str | None = None) -> list[Metric]:
        """Collect, flush, and return the series exported so far, by scope, name and attributes.

        Args:
            exporter: as for :meth:`spans`.
        """
        self._flush()
        return series_in_order(merge([series_in_order(points) for points in self._items("metrics", exporter)]))

    def logs(self, exporter: str | None = None) -> list[Log]:
        """Flush, and return the log records exported so far, by time.

        Args:
            exporter: as for :meth:`spans`.
        """
        spans = self.spans()
        return logs_in_order(merge(self._items("logs", exporter)), spans)

    def _flush(self) -> None:
        if not self.pipeline.stopped:
            self.pipeline.flush(_FLUSH)

    def _items(self, signal: Signal, name: str | None) -> list[list[Any]]:
        kept = [(options, keeper) for options, keeper in self._kept if options.signal == signal]
        if name is not None and name not in (names := [options.name for options, _ in kept]):
            raise ValueError(f"no exporter {name!r} for {signal} in the plan (there are {', '.join(names) or 'none'})")
        return [keeper.items() for options, keeper in kept if name in (None, options.name)]


@contextmanager
def in_memory(
    plugins: Plugins | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    installed: bool = False,
    distro: Distro | None = None,
) -> Iterator[Telemetry]:
    """Build the pipeline of :func:`~distrokit.testing.planned`, and stop it at the end of the block.

    Everything is real except the exporters: each one in the plan is replaced by one that keeps its items, with the same
    name, processors and temporality. If no exporter is selected, there is one named ``memory``; if no plugin provides
    processors, items are exported at once. No global of OpenTelemetry is set, no instrumentation is applied, nothing is
    sent, and no signal handler or ``atexit`` function is changed. Errors of a part, such as a transform that raises,
    are printed to stderr as usual. Inside the block ``os.environ`` has the variables of ``environ``, and no other ones
    that begin with ``OTEL_`` or ``DISTROKIT_``.

    The result is still available after the block, including items recorded while stopping.

    Args:
        plugins, environ, installed, distro: as in :func:`~distrokit.testing.planned`.
    """
    with run_in_memory(
        plan_in_memory(plugins, environ, installed=installed, distro=distro), environ or {}
    ) as telemetry:
        yield telemetry


def plan_in_memory(
    plugins: Plugins | None,
    environ: Mapping[str, str] | None,
    *,
    installed: bool,
    settings: Mapping[str, str] | None = None,
    distro: Distro | None = None,
) -> Assembly:
    """Plan, with a plugin that provides exporter and processors if no other plugin does.

    Args:
        settings: override ``environ``.
    """
    named = {**name_plugins(plugins), _LAST: _Memory()}
    return assemble(named, environ, installed=installed, settings=settings, distro=distro)


@contextmanager
def run_in_memory(assembly: Assembly, environ: Mapping[str, str]) -> Iterator[Telemetry]:
    """Build a plan as in :func:`in_memory`; stop it at the end of the block."""
    kept: list[tuple[ExporterOptions, Any]] = []
    _replace_exporters(assembly.plan, kept)
    with only(environ, [setting.name for setting in assembly.plan.known]):
        pipeline = assembly.pipeline = make_pipeline(assembly, isolated=True)
        try:
            if not assembly.plan.disabled.value:
                pipeline.start()
            yield Telemetry(pipeline, kept)
        finally:
            pipeline.stop()


class _Memory:
    """A plugin with an exporter and processors, for plans in which no other plugin has any."""

    @hookimpl(trylast=True)
    def distrokit_defaults(self) -> dict[str, str]:
        return {
            **{f"OTEL_{signal.upper()}_EXPORTER": _MEMORY for signal in SIGNALS},
            "DISTROKIT_TRACES_PROCESSOR": _MEMORY,
            "DISTROKIT_LOGS_PROCESSOR": _MEMORY,
            "DISTROKIT_METRICS_READER": _MEMORY,
        }

    @hookimpl(trylast=True)
    def distrokit_exporters(self) -> list[Exporter]:
        return [Exporter(_MEMORY, SIGNALS, _unused, fallback=True)]

    @hookimpl(trylast=True)
    def distrokit_processors(self) -> list[Processor]:
        return [Processor(_MEMORY, SIGNALS, "export", _make_processor, fallback=True)]


def _unused(options: ExporterOptions) -> Any:
    """Raise: like every exporter's factory, it is replaced."""
    raise NotImplementedError


def _make_processor(exporter: Any, context: BuildContext) -> Any:
    from distrokit.testing.exporters import make_processor

    return make_processor(exporter, context.signal)


def _replace_exporters(plan: Plan, kept: list[tuple[ExporterOptions, Any]]) -> None:
    """Replace the plan's exporters by ones that keep their items."""
    for planned in plan.signals.values():
        for item in planned.exporters:
            item.exporter.declaration = replace(
                item.exporter.declaration, factory=_keeping_factory(kept, item.processor is None), probe=None
            )


def _keeping_factory(kept: list[tuple[ExporterOptions, Any]], scraped: bool) -> Callable[[ExporterOptions], Any]:
    def keep(options: ExporterOptions) -> Any:
        from distrokit.testing.exporters import make_exporter, make_processor

        exporter = make_exporter(options)
        kept.append((options, exporter))
        # An exporter that is scraped is the reader itself.
        return make_processor(exporter, "metrics") if scraped and options.signal == "metrics" else exporter

    return keep
