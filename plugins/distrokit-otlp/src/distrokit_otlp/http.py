"""OTLP over http/protobuf: the exporters of ``opentelemetry-exporter-otlp-proto-http``."""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version

from distrokit import ExporterOptions, metric_arguments
from distrokit_otlp.files import readable
from distrokit_otlp.live_headers import HeadersFile
from distrokit_otlp.session import OTLPSession, refreshing

_COMPRESSIONS = {"none": Compression.NoCompression, "gzip": Compression.Gzip, "deflate": Compression.Deflate}


#: What the exporters take for "no limit": a day.
_NO_LIMIT = 86_400.0


def make_http(options: ExporterOptions) -> Any:
    """The HTTP exporter of ``options.signal``."""
    arguments = dict(options.arguments)
    files = {name: arguments.pop(name, None) or None for name in ("certificate", "client_key", "client_certificate")}
    for name in ("protocol", "insecure", "encoding", "temporality_preference", "default_histogram_aggregation"):
        arguments.pop(name, None)
    for path in filter(None, files.values()):
        # requests finds out with the first export only.
        readable(path)
    if options.signal == "metrics":
        arguments = {**metric_arguments(options.arguments), **arguments}
    return _exporter_class(options.signal)(
        endpoint=options.endpoint,
        certificate_file=files["certificate"],
        client_key_file=files["client_key"],
        client_certificate_file=files["client_certificate"],
        headers=headers_of(options),
        timeout=seconds(options),
        compression=_COMPRESSIONS[options.compression],
        session=session_of(options),
        **arguments,
    )


def headers_of(options: ExporterOptions) -> dict[str, str]:
    """The headers with the exporter's User-Agent, unless they have one."""
    # A file's headers are those of the moment, and its first ones are not kept.
    headers = {} if isinstance(options.refresh_headers, HeadersFile) else dict(options.headers)
    if options.user_agent and "user-agent" not in {name.lower() for name in headers}:
        headers["User-Agent"] = f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}"
    return headers


def seconds(options: ExporterOptions) -> float:
    """The timeout of one export in seconds."""
    return options.timeout_millis / 1000 or _NO_LIMIT


def session_of(options: ExporterOptions) -> Any:
    """The session of a hook, else our own; ``None`` where the exporter asks upstream's credential provider."""
    if options.credentials is None:
        provider = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_{}CREDENTIAL_PROVIDER"
        names = (provider.format(f"{options.signal.upper()}_"), provider.format(""))
        # The exporter asks the provider only when it is given no session; it is not for a second destination.
        ask = "/" not in options.name and any(map(options.settings.get, names))
        return None if ask else OTLPSession(options.refresh_headers)
    if options.refresh_headers and options.credentials.auth is None:
        options.credentials.auth = refreshing(options.refresh_headers)
    return options.credentials


def _exporter_class(signal: str) -> Any:
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter
