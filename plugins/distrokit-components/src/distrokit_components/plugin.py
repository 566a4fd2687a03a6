"""Turns OpenTelemetry's own entry points into declarations of the same name.

``console``, ``traceidratio``, ``b3`` and third-party exporters are found here. A plugin's declaration of the same name
overrides them. A package is imported only if its component is selected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

from distrokit import (
    BuildContext,
    Check,
    EntryPoints,
    Exporter,
    ExporterOptions,
    IdGenerator,
    Processor,
    Propagator,
    Reader,
    ResourceDetector,
    ResponsePropagator,
    Sampler,
    Setting,
    Signal,
    Value,
    hookimpl,
    metric_arguments,
    metric_parameters,
)
from distrokit_components.event_bridge import make_bridge
from distrokit_components.prometheus import make_prometheus, prometheus_parameters
from distrokit_components.samplers import SAMPLERS

_EXPORTER_GROUPS: tuple[tuple[Signal, str], ...] = (
    ("traces", "opentelemetry_traces_exporter"),
    ("metrics", "opentelemetry_metrics_exporter"),
    ("logs", "opentelemetry_logs_exporter"),
)

# Upstream's configuration file uses the second group; for one name the first group counts.
_SAMPLER_GROUPS = ("opentelemetry_sampler", "opentelemetry_traces_sampler")

# The SDK's own two take a number; every other sampler takes the string unchanged, as in upstream's ``_import_sampler``.
_RATIO_SAMPLERS = frozenset({"traceidratio", "parentbased_traceidratio"})

# The configuration schema's names of the SDK's samplers.
_IN_FILE = {
    "traceidratio": "trace_id_ratio_based",
    "parentbased_traceidratio": "parent_based.root.trace_id_ratio_based",
    "parentbased_always_on": "parent_based.root.always_on",
    "parentbased_always_off": "parent_based.root.always_off",
}


_PROMETHEUS = "https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#prometheus-exporter"
_SDK = "https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/"


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Return the settings of samplers and of the Prometheus and Zipkin exporters."""

    def setting(name: str, kind: str, default: str, meaning: str, spec: str) -> Setting:
        return Setting(
            name=name,
            kind=kind,
            default=default,
            meaning=meaning,
            spec=spec,
            consumer="components",
            # The zipkin exporters read their settings themselves.
            parameter="ZIPKIN" not in name,
            ignored_with_file=True,
        )

    return [
        setting(
            "OTEL_TRACES_SAMPLER_ARG",
            "text",
            "",
            "the ratio, or another argument of the sampler",
            _SDK + "#general-sdk-configuration",
        ),
        setting("OTEL_EXPORTER_PROMETHEUS_HOST", "text", "localhost", "host on which Prometheus scrapes", _PROMETHEUS),
        setting("OTEL_EXPORTER_PROMETHEUS_PORT", "integer", "9464", "port on which Prometheus scrapes", _PROMETHEUS),
        setting("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "URL", "", "read by the zipkin exporter", _SDK + "#zipkin-exporter"),
        setting(
            "OTEL_EXPORTER_ZIPKIN_TIMEOUT", "integer", "", "read by the zipkin exporter", _SDK + "#zipkin-exporter"
        ),
    ]


@hookimpl(trylast=True)
def distrokit_exporters(entry_points: EntryPoints) -> list[Exporter]:
    """Declare the groups ``opentelemetry_{traces,metrics,logs}_exporter``, and ``prometheus``."""
    return [
        Exporter("prometheus", "metrics", make_prometheus, prometheus_parameters),
        *(
            _console_metrics(point) if (signal, point.name) == ("metrics", "console") else _exporter(point, signal)
            for signal, group in _EXPORTER_GROUPS
            for point in entry_points.group(group)
        ),
    ]


@hookimpl
def distrokit_checks(plan: Any) -> list[Check]:
    """Check the port on which Prometheus scrapes."""
    from distrokit_components.prometheus_checks import checks

    return list(checks(plan))


@hookimpl(trylast=True)
def distrokit_samplers(entry_points: EntryPoints) -> list[Sampler]:
    """Declare the configuration schema's samplers, and both entry-point groups."""
    return [
        *SAMPLERS,
        *(
            Sampler(
                point.name,
                _sampler(point),
                _ratio if point.name in _RATIO_SAMPLERS else _sampler_properties,
                fallback=True,
                origin=point,
            )
            for point in _sampler_points(entry_points)
        ),
    ]


def _sampler_points(entry_points: EntryPoints) -> list[EntryPoint]:
    """Return one entry point per name and distribution, from the first group that has it."""
    by_name: dict[str, list[EntryPoint]] = {}
    for group in _SAMPLER_GROUPS:
        for point in entry_points.group(group):
            by_name.setdefault(point.name, []).append(point)
    found: list[EntryPoint] = []
    for points in by_name.values():
        # Read the distribution only if there are several: it costs reading a file.
        several = len(points) > 1
        found += {point.dist.name if several and point.dist else "": point for point in reversed(points)}.values()
    return found


@hookimpl(trylast=True)
def distrokit_id_generators(entry_points: EntryPoints) -> list[IdGenerator]:
    """Declare the group ``opentelemetry_id_generator``."""
    return [
        IdGenerator(point.name, _factory(point), _properties, fallback=True, origin=point)
        for point in entry_points.group("opentelemetry_id_generator")
    ]


@hookimpl(trylast=True)
def distrokit_propagators(entry_points: EntryPoints) -> list[Propagator]:
    """Declare the group ``opentelemetry_propagator``."""
    return [
        Propagator(point.name, _factory(point), _properties, fallback=True, origin=point)
        for point in entry_points.group("opentelemetry_propagator")
    ]


@hookimpl(trylast=True)
def distrokit_response_propagators() -> list[ResponsePropagator]:
    """Declare OpenTelemetry's own; it is used if ``DISTROKIT_RESPONSE_PROPAGATORS`` names it."""
    return [ResponsePropagator("traceresponse", _trace_response, default=False)]


@hookimpl(trylast=True)
def distrokit_processors() -> list[Processor]:
    """Declare the schema's bridge from log records to span events; it runs if a configuration file names it."""
    return [Processor("event_to_span_event_bridge", "logs", "derive", make_bridge, default=False)]


@hookimpl(trylast=True)
def distrokit_resource(entry_points: EntryPoints) -> list[ResourceDetector]:
    """Declare the group ``opentelemetry_resource_detector``; a detector runs only if the setting names it."""
    return [
        ResourceDetector(point.name, _detect(point), default=False, fallback=True, origin=point, parameters=_properties)
        for point in entry_points.group("opentelemetry_resource_detector")
        if point.name != "otel"  # the core reads the user's attributes itself
    ]


def _trace_response(context: BuildContext) -> Any:
    from opentelemetry.instrumentation.propagators import TraceResponsePropagator

    return TraceResponsePropagator()


def _properties(reader: Reader) -> dict[str, Value[Any]]:
    """Read all properties from a configuration file as one argument: the keywords of a third-party class."""
    properties = reader.everything()
    reader.file_name = _IN_FILE.get(reader.name, "")
    if properties:
        sources = [value.source for value in properties.values()]
        secret = any(value.secret for value in properties.values())
        plain = {name: value.value for name, value in properties.items()}
        return {"properties": Value(plain, sources[0], secret=secret)}
    return {}


def _sampler_properties(reader: Reader) -> dict[str, Value[Any]]:
    """Read the properties from a file, or the argument from settings, as a string as upstream passes it."""
    argument = reader.settings.value("OTEL_TRACES_SAMPLER_ARG") if not reader.in_file else None
    return _properties(reader) or ({"arg": argument} if argument else {})


def _exporter(point: EntryPoint, signal: Signal) -> Exporter:
    def make(options: ExporterOptions) -> Any:
        arguments = dict(options.arguments)
        return point.load()(**{**arguments.pop("properties", {}), **arguments})

    return Exporter(point.name, signal, make, _properties, fallback=True, origin=point)


def _console_metrics(point: EntryPoint) -> Exporter:
    def make(options: ExporterOptions) -> Any:
        return point.load()(**metric_arguments(options.arguments))

    return Exporter(point.name, "metrics", make, metric_parameters, fallback=True, origin=point)


def _factory(point: EntryPoint) -> Callable[[BuildContext], Any]:
    return lambda context: point.load()(**context.arguments.get("properties", {}))


def _sampler(point: EntryPoint) -> Callable[[BuildContext], Any]:
    def make(context: BuildContext) -> Any:
        properties = context.arguments.get("properties", {})
        # Upstream calls such a factory with OTEL_TRACES_SAMPLER_ARG, or None.
        argument = context.arguments.get("arg", properties.get("arg"))
        return point.load()(**properties) if properties and "arg" not in properties else point.load()(argument)

    return make


def _ratio(reader: Reader) -> dict[str, Value[Any]]:
    reader.file_name = _IN_FILE[reader.name]
    key = "arg" if reader.in_file else "ratio"
    return {"arg": reader.number("OTEL_TRACES_SAMPLER_ARG", 1.0, minimum=0, maximum=1, key=key)}


def _detect(point: EntryPoint) -> Callable[..., dict[str, Any]]:
    def detect(properties: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return dict(point.load()(**(properties or {})).detect().attributes)

    return detect
