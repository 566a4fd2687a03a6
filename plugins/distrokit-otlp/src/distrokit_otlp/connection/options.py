"""The receiver and the connections of an exporter, from its options."""

from __future__ import annotations

from typing import Any

from distrokit import ExporterOptions
from distrokit_otlp.connection.endpoints import is_grpc_target, scheme_of
from distrokit_otlp.connection.target import Target, target_of


def target_for(options: ExporterOptions) -> Target:
    """Return the receiver of an exporter, whose endpoint is not one that only grpcio resolves."""
    endpoint, grpc = options.endpoint, options.arguments.get("protocol") == "grpc"
    if grpc or is_grpc_target(endpoint):
        tls = not options.arguments.get("insecure")
        port = 443 if grpc or tls else 80
        return target_of(endpoint, tls=tls, default_port=port, path=f"/v1/{options.signal}")
    secure = scheme_of(endpoint) == "https"
    return target_of(endpoint, tls=secure, default_port=443 if secure else 80)


def user_agent_of(options: ExporterOptions) -> str:
    """Return the ``User-Agent`` of requests (OTLP exporter, "User Agent")."""
    from opentelemetry.sdk.version import __version__ as exporter_version

    return f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}".strip()


def balancing_of(options: ExporterOptions) -> dict[str, Any]:
    """Return the keywords of :class:`~distrokit_otlp.connection.connections.Connections`."""
    return {
        "age_seconds": options.arguments.get("connection_age_millis", 0) / 1000,
        "round_robin": options.arguments.get("balancing") == "round_robin",
    }
