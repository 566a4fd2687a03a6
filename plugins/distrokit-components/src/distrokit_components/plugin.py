"""Turns OpenTelemetry's own entry points into declarations, so that they keep their names.

``console``, ``traceidratio``, ``b3`` and third-party exporters are found here. Every declaration gives
way to a plugin's of the same name, and imports its package only when it is picked.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

from distrokit import (
    BuildContext,
    EntryPoints,
    Exporter,
    ExporterOptions,
    IdGenerator,
    Propagator,
    Reader,
    ResourceDetector,
    Sampler,
    Signal,
    Value,
    hookimpl,
)

_EXPORTER_GROUPS: tuple[tuple[Signal, str], ...] = (
    ("traces", "opentelemetry_traces_exporter"),
    ("metrics", "opentelemetry_metrics_exporter"),
    ("logs", "opentelemetry_logs_exporter"),
)

# The SDK's own two take a number; every other sampler takes the text as it is (upstream's
# ``_import_sampler`` makes the same difference).
_RATIO_SAMPLERS = frozenset({"traceidratio", "parentbased_traceidratio"})


@hookimpl(trylast=True)
def distrokit_exporters(entry_points: EntryPoints) -> list[Exporter]:
    """Groups ``opentelemetry_{traces,metrics,logs}_exporter``."""
    return [
        Exporter(point.name, signal, _exporter(point), fallback=True, origin=point)
        for signal, group in _EXPORTER_GROUPS
        for point in entry_points.group(group)
    ]


@hookimpl(trylast=True)
def distrokit_samplers(entry_points: EntryPoints) -> list[Sampler]:
    """Group ``opentelemetry_traces_sampler``."""
    return [
        Sampler(
            point.name,
            _sampler(point),
            _ratio if point.name in _RATIO_SAMPLERS else None,
            fallback=True,
            origin=point,
        )
        for point in entry_points.group("opentelemetry_traces_sampler")
    ]


@hookimpl(trylast=True)
def distrokit_id_generators(entry_points: EntryPoints) -> list[IdGenerator]:
    """Group ``opentelemetry_id_generator``."""
    return [
        IdGenerator(point.name, _no_arguments(point), fallback=True, origin=point)
        for point in entry_points.group("opentelemetry_id_generator")
    ]


@hookimpl(trylast=True)
def distrokit_propagators(entry_points: EntryPoints) -> list[Propagator]:
    """Group ``opentelemetry_propagator``."""
    return [
        Propagator(point.name, _no_arguments(point), fallback=True, origin=point)
        for point in entry_points.group("opentelemetry_propagator")
    ]


@hookimpl(trylast=True)
def distrokit_resource(entry_points: EntryPoints) -> list[ResourceDetector]:
    """Group ``opentelemetry_resource_detector``; each runs only when it is named in the setting."""
    return [
        ResourceDetector(point.name, _detect(point), default=False, fallback=True, origin=point)
        for point in entry_points.group("opentelemetry_resource_detector")
        if point.name != "otel"  # the user's own attributes, which the core reads itself
    ]


def _exporter(point: EntryPoint) -> Callable[[ExporterOptions], Any]:
    return lambda options: point.load()(**options.arguments)


def _no_arguments(point: EntryPoint) -> Callable[[BuildContext], Any]:
    return lambda context: point.load()()


def _sampler(point: EntryPoint) -> Callable[[BuildContext], Any]:
    return lambda context: point.load()(context.arguments.get("arg"))


def _ratio(reader: Reader) -> dict[str, Value[Any]]:
    def parse(text: str) -> float:
        try:
            ratio = float(text)
        except ValueError:
            ratio = -1.0
        if not 0.0 <= ratio <= 1.0:
            raise ValueError("it must be a number from 0 to 1")
        return ratio

    return {"arg": reader.parsed("OTEL_TRACES_SAMPLER_ARG", parse, 1.0)}


def _detect(point: EntryPoint) -> Callable[[], dict[str, Any]]:
    def detect() -> dict[str, Any]:
        return dict(point.load()().detect().attributes)

    return detect
