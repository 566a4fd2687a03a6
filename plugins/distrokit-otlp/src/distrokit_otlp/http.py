"""OTLP over http/protobuf: the exporters of ``opentelemetry-exporter-otlp-proto-http``."""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version

from distrokit import ExporterOptions

_COMPRESSIONS = {"none": Compression.NoCompression, "gzip": Compression.Gzip, "deflate": Compression.Deflate}


def make_http(options: ExporterOptions) -> Any:
    """The HTTP exporter of ``options.signal``."""
    arguments = dict(options.arguments)
    arguments.pop("protocol", None)
    headers = dict(options.headers)
    if options.user_agent and "user-agent" not in {name.lower() for name in headers}:
        headers["User-Agent"] = f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}"
    return _exporter_class(options.signal)(
        endpoint=options.endpoint,
        certificate_file=arguments.pop("certificate", None) or None,
        client_key_file=arguments.pop("client_key", None) or None,
        client_certificate_file=arguments.pop("client_certificate", None) or None,
        headers=headers,
        timeout=options.timeout_millis / 1000,
        compression=_COMPRESSIONS[options.compression],
        session=options.credentials,
        **arguments,
    )


def _exporter_class(signal: str) -> Any:
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter
