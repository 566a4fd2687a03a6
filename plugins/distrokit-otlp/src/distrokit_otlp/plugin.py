"""Declares the exporters ``otlp``, ``otlp_proto_grpc`` and ``otlp_proto_http``, and makes ``otlp`` the default."""

from __future__ import annotations

from typing import Any

from distrokit import Exporter, ExporterOptions, Signal, hookimpl
from distrokit_otlp.parameters import READ_HERE, parameters

_SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")


@hookimpl(trylast=True)
def distrokit_defaults() -> dict[str, str]:
    """As upstream's distro: everything over OTLP, over grpc."""
    return {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }


@hookimpl(trylast=True)
def distrokit_exporters() -> list[Exporter]:
    """``otlp`` takes the protocol from the settings, the other two have it in the name."""
    return [
        Exporter(name, _SIGNALS, make, parameters, hides=READ_HERE)
        for name in ("otlp", "otlp_proto_grpc", "otlp_proto_http")
    ]


def make(options: ExporterOptions) -> Any:
    """The exporter of one signal; imports its transport here and not before."""
    if options.arguments["protocol"] == "grpc":
        from distrokit_otlp.grpc import make_grpc

        return make_grpc(options)
    from distrokit_otlp.http import make_http

    return make_http(options)
