"""Realm and token into endpoints and headers; ``os.environ`` stays as it is, and so do children's."""

from __future__ import annotations

from distrokit import ExporterOptions, Plan, Problem, Signal
from splunk_example.settings import REALM

#: Under a name that is nobody's (RFC 2606), so that an example sends nothing to anyone.
_INGEST: dict[Signal, str] = {
    "traces": "https://ingest.{realm}.splunk.example/v2/trace/otlp",
    "metrics": "https://ingest.{realm}.splunk.example/v2/datapoint/otlp",
}
_TOKEN_HEADER = "x-sf-token"  # noqa: S105  # the name of a header

_OTLP = ("otlp", "otlp_grpc", "otlp_http", "otlp_proto_grpc", "otlp_proto_http", "otlp_json_http")


def defaults(realm: str) -> dict[str, str]:
    """Where a realm sends to, and how; a collector that the user names is stronger."""
    if not realm:
        return {}
    endpoints = {
        f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT": url.format(realm=realm) for signal, url in _INGEST.items()
    }
    return {**endpoints, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def add_token(options: ExporterOptions, token: str) -> None:
    """Send it with every request of a plain OTLP exporter, unless the user's headers have one.

    ``otlp/backup`` is somebody else's, and gets none.
    """
    if token and options.name in _OTLP and _TOKEN_HEADER not in map(str.lower, options.headers):
        options.headers[_TOKEN_HEADER] = token


def wrong_protocol(plan: Plan, realm: str) -> list[Problem]:
    """Ingest speaks HTTP, and the user may have chosen grpc."""
    return [
        Problem(
            code="splunk-example-protocol",
            subject=f"{REALM}={realm}",
            cause=f"{signal} are sent over grpc, and ingest takes http/protobuf",
            outcome=f"{signal} will be refused",
            remedy="Unset OTEL_EXPORTER_OTLP_PROTOCOL, or name a collector in OTEL_EXPORTER_OTLP_ENDPOINT.",
        )
        for signal, url in _INGEST.items()
        for item in plan.signals[signal].exporters
        if realm
        and item.exporter.arguments.get("endpoint") == url.format(realm=realm)
        and item.exporter.arguments.get("protocol") == "grpc"
    ]
