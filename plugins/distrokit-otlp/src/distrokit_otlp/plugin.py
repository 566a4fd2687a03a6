"""Declares the OTLP exporters, and makes ``otlp`` the default."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from distrokit import Check, Exporter, ExporterOptions, Sent, Setting, Signal, hookimpl
from distrokit_otlp.file import file_parameters
from distrokit_otlp.parameters import READ_HERE, parameters
from distrokit_otlp.settings import settings

_SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")

#: ``otlp`` takes its protocol from the settings; the other names, upstream's or the schema's, include it.
_NAMES = ("otlp", "otlp_grpc", "otlp_http", "otlp_proto_grpc", "otlp_proto_http", "otlp_json_http")


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Declare the settings of the OTLP exporters."""
    return settings()


@hookimpl(trylast=True)
def distrokit_defaults() -> dict[str, str]:
    """Set OTLP over grpc for all signals, as upstream's distro does."""
    return {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }


@hookimpl(trylast=True)
def distrokit_exporters() -> list[Exporter]:
    """Declare the exporters over grpc and HTTP, and those that write lines of JSON to a file or to stdout."""
    return [
        *(Exporter(name, _SIGNALS, make, parameters, hides=READ_HERE, probe=probe) for name in _NAMES),
        *(
            Exporter(name, _SIGNALS, make_lines, file_parameters, probe=probe_lines)
            for name in ("otlp_file", "otlp/stdout")
        ),
    ]


@hookimpl
def distrokit_checks(plan: Any) -> list[Check]:
    """Check ports, paths and headers for ``distrokit doctor``."""
    from distrokit_otlp.checks import checks

    return list(checks(plan))


def probe(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterable[Check]:
    """Check the way to the receiver with one item."""
    from distrokit_otlp.probing.probe import probe

    return probe(options, send)


def probe_lines(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterable[Check]:
    """Check that the file can be written."""
    from distrokit_otlp.probing.probe import probe_file

    return probe_file(options, send)


def make(options: ExporterOptions) -> Any:
    """Make the exporter of one signal; its transport is imported with the first export."""
    from distrokit_otlp.factory import make_exporter

    return make_exporter(options)


def make_lines(options: ExporterOptions) -> Any:
    """Make the file exporter of one signal."""
    from distrokit_otlp.file import make_file

    return make_file(options)
