"""OTLP over grpc: the exporters of ``opentelemetry-exporter-otlp-proto-grpc``."""

from __future__ import annotations

from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc.version import __version__ as exporter_version

from distrokit import ExporterOptions, metric_arguments
from distrokit_otlp.files import readable
from distrokit_otlp.live_headers import HeadersFile, LiveHeaders

#: What the exporters take for "no limit", in seconds: a day.
_NO_LIMIT = 86_400.0


def make_grpc(options: ExporterOptions) -> Any:
    """The grpc exporter of ``options.signal``.

    Raises: ``OSError`` when a certificate file cannot be read.
    """
    arguments = dict(options.arguments)
    insecure = arguments.pop("insecure", False)
    for name in ("protocol", "temporality_preference", "default_histogram_aggregation"):
        arguments.pop(name, None)
    files = {name: arguments.pop(name, "") for name in ("certificate", "client_key", "client_certificate")}
    if options.signal == "metrics":
        arguments = {**metric_arguments(options.arguments), **arguments}
    return _exporter_class(options.signal)(
        endpoint=options.endpoint,
        insecure=insecure,
        credentials=None if insecure else options.credentials or _credentials(files, own="/" in options.name),
        headers=_headers(options),
        timeout=options.timeout_millis / 1000 or _NO_LIMIT,
        compression=grpc.Compression.Gzip if options.compression == "gzip" else grpc.Compression.NoCompression,
        channel_options=_channel_options(options.user_agent),
        **arguments,
    )


def _headers(options: ExporterOptions) -> Any:
    """The exporter hands over what it was given with every request: a tuple, or pairs that are made anew."""
    # grpc refuses upper case in a header's name, which a hook may well have written.
    fixed = {name.lower(): value for name, value in options.headers.items()}
    if options.refresh_headers is None:
        return tuple(fixed.items())
    # A file's headers are those of the moment, and its first ones are not kept.
    return LiveHeaders({} if isinstance(options.refresh_headers, HeadersFile) else fixed, options.refresh_headers)


def _exporter_class(signal: str) -> Any:
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    return OTLPLogExporter


def _credentials(files: dict[str, str], own: bool = False) -> grpc.ChannelCredentials | None:
    """TLS as the files say; a client certificate needs no CA of its own.

    ``None`` without files: then the exporter asks the credential provider of
    ``OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER``, or takes the system's roots.
    """
    if not any(files.values()):
        # The provider is not for a second destination.
        return grpc.ssl_channel_credentials() if own else None
    content = {name: readable(path) if path else None for name, path in files.items()}
    return grpc.ssl_channel_credentials(
        root_certificates=content["certificate"],
        private_key=content["client_key"],
        certificate_chain=content["client_certificate"],
    )


def _channel_options(user_agent: str) -> tuple[tuple[str, str], ...] | None:
    if not user_agent:
        return None
    # The exporter's own agent is a default that this option replaces, so it is repeated.
    own = f"OTel-OTLP-Exporter-Python/{exporter_version}"
    return (("grpc.primary_user_agent", f"{user_agent} {own}"),)
