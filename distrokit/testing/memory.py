"""The real pipeline of a plan, with exporters in memory at its ends, and without a hand on the process's globals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from distrokit.declarations import SIGNALS, BuildContext, Exporter, ExporterOptions, Processor, Signal
from distrokit.diagnostics import Problem
from distrokit.hookspecs import hookimpl
from distrokit.plan.plan import Plan
from distrokit.plugins.distros import Distro
from distrokit.settings.environ import only
from distrokit.testing.items import Log, Metric, Span
from distrokit.testing.ordering import logs_in_order, series_in_order, spans_in_order, together
from distrokit.testing.planning import Plugins, assembled, by_name

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from distrokit.launch.startup import Assembly
    from distrokit.pipeline.pipeline import Pipeline

#: After every other in the order of plugins.
_LAST = "~in-memory"

_MEMORY = "memory"

#: Milliseconds.
_FLUSH = 10_000


class Telemetry:
    """What :func:`in_memory` gives.

    Attributes:
        plan: what was built.
        pipeline: what runs: its ``resource``, ``propagator``, ``flush()``, ``stop()``, and the SDK's own providers.
        exporters: what each exporter's factory would have been given, after every ``distrokit_exporter_options``.
    """

    def __init__(self, pipeline: Pipeline, kept: list[tuple[ExporterOptions, Any]]) -> None:
        self.plan: Plan = pipeline.plan
        self.pipeline = pipeline
        self._kept = kept

    @property
    def exporters(self) -> list[ExporterOptions]:
        """By signal and in the order of the plan."""
        return [options for options, _ in self._kept]

    @property
    def problems(self) -> list[Problem]:
        """Those of the plan, and those that turned up since; none is a good start."""
        return self.plan.problems

    @property
    def tracer_provider(self) -> TracerProvider:
        """As an application is given it: OpenTelemetry's no-op where the plan builds none."""
        from opentelemetry.trace import NoOpTracerProvider

        return self.pipeline.tracer_provider or NoOpTracerProvider()

    @property
    def meter_provider(self) -> MeterProvider:
        """Likewise."""
        from opentelemetry.metrics import NoOpMeterProvider

        return self.pipeline.meter_provider or NoOpMeterProvider()

    @property
    def logger_provider(self) -> LoggerProvider:
        """Likewise."""
        from opentelemetry._logs import NoOpLoggerProvider

        return self.pipeline.logger_provider or NoOpLoggerProvider()

    def spans(self, exporter: str | None = None) -> list[Span]:
        """The spans that were exported so far, by start; flushes first.

        Args:
            exporter: what this exporter was given, such as ``otlp`` or ``otlp/backup``; ``None``: all of them, and an
                item that several were given once.
        """
        self._flush()
        return spans_in_order(together(self._items("traces", exporter)))

    def metrics(self, exporter: str | None = None) -> list[Metric]:
        """The series that were exported so far, by scope, name and attributes; collects and flushes first.

        Args:
            exporter: as for :meth:`spans`.
        """
        self._flush()
        return series_in_order(together([series_in_order(points) for points in self._items("metrics", exporter)]))

    def logs(self, exporter: str | None = None) -> list[Log]:
        """The log records that were exported so far, by time; flushes first.

        Args:
            exporter: as for :meth:`spans`.
        """
        spans = self.spans()
        return logs_in_order(together(self._items("logs", exporter)), spans)

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

    Everything is real but the exporters: each that the plan has is replaced by one that keeps what it is given, under
    its name, behind its processors and with its temporality. Where no exporter is chosen, there is one called
    ``memory``; where no plugin feeds exporters, they are fed at once. No global of OpenTelemetry is set, no
    instrumentation is applied, nothing is sent, and nobody else's signal handler or ``atexit`` is touched. What a part
    does wrong meanwhile, such as a transform that raises, is said on stderr at once, as ever. Inside the block
    ``os.environ`` has the variables of ``environ``, and none else that begins with ``OTEL_`` or ``DISTROKIT_``.

    After the block everything can still be asked, what was recorded while stopping as well.

    Args:
        plugins, environ, installed, distro: as :func:`~distrokit.testing.planned` takes them.
    """
    with kept_in_memory(with_memory(plugins, environ, installed=installed, distro=distro), environ or {}) as telemetry:
        yield telemetry


def with_memory(
    plugins: Plugins | None,
    environ: Mapping[str, str] | None,
    *,
    installed: bool,
    settings: Mapping[str, str] | None = None,
    distro: Distro | None = None,
) -> Assembly:
    """The plan, with a plugin that exports and feeds where no other does.

    Args:
        settings: stronger than ``environ``.
    """
    given = {**by_name(plugins), _LAST: _Memory()}
    return assembled(given, environ, installed=installed, settings=settings, distro=distro)


@contextmanager
def kept_in_memory(assembly: Assembly, environ: Mapping[str, str]) -> Iterator[Telemetry]:
    """Build a plan as :func:`in_memory` says."""
    kept: list[tuple[ExporterOptions, Any]] = []
    _keep_instead(assembly.plan, kept)
    with only(environ, [setting.name for setting in assembly.plan.known]):
        pipeline = assembly.pipeline = assembly.idle(isolated=True)
        try:
            if not assembly.plan.disabled.value:
                pipeline.start()
            yield Telemetry(pipeline, kept)
        finally:
            pipeline.stop()


class _Memory:
    """A plugin that is there where nobody else supplies what it does."""

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
        return [Exporter(_MEMORY, SIGNALS, _never, fallback=True)]

    @hookimpl(trylast=True)
    def distrokit_processors(self) -> list[Processor]:
        return [Processor(_MEMORY, SIGNALS, "export", _feed, fallback=True)]


def _never(options: ExporterOptions) -> Any:
    """Its place is taken by what keeps, as every exporter's is."""
    raise NotImplementedError


def _feed(exporter: Any, context: BuildContext) -> Any:
    from distrokit.testing.exporters import feeding

    return feeding(exporter, context.signal)


def _keep_instead(plan: Plan, kept: list[tuple[ExporterOptions, Any]]) -> None:
    """Have the plan's exporters, whichever they are, keep what they are given."""
    for planned in plan.signals.values():
        for item in planned.exporters:
            # What it would hide from a factory is of no interest to this one.
            item.exporter.declaration = replace(
                item.exporter.declaration, factory=_keeper(kept, item.processor is None), probe=None
            )


def _keeper(kept: list[tuple[ExporterOptions, Any]], scraped: bool) -> Callable[[ExporterOptions], Any]:
    def keep(options: ExporterOptions) -> Any:
        from distrokit.testing.exporters import feeding, keeping

        exporter = keeping(options)
        kept.append((options, exporter))
        # What nothing feeds is asked: such an exporter is the reader itself.
        return feeding(exporter, "metrics") if scraped and options.signal == "metrics" else exporter

    return keep
