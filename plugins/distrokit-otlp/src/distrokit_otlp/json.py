"""OTLP over http/json: the exporters of ``opentelemetry-exporter-otlp-json-http``, if it is installed."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

from distrokit import ExporterOptions
from distrokit_otlp.endpoints import remove_user
from distrokit_otlp.exporter import timeout_seconds
from distrokit_otlp.http import build_headers
from distrokit_otlp.lazy import require
from distrokit_otlp.lazy_exporters import lazy_exporter
from distrokit_otlp.live_headers import HeadersFile
from distrokit_otlp.tls_files import TlsFiles

_MODULES = {
    "traces": ("trace_exporter", "OTLPSpanExporter"),
    "metrics": ("metric_exporter", "OTLPMetricExporter"),
    "logs": ("_log_exporter", "OTLPLogExporter"),
}


def make_json(options: ExporterOptions) -> Any:
    """Make the http/json exporter of ``options.signal``.

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``ModuleNotFoundError`` without the package;
        ``TypeError`` for credentials, which it does not support.
    """
    from distrokit import metric_arguments

    TlsFiles.of(options).load()
    refresh = options.refresh_headers
    if options.credentials is not None or not (refresh is None or isinstance(refresh, HeadersFile)):
        raise TypeError("http/json supports neither a session nor refreshed headers; use http/protobuf")
    remedy = "http/json needs another package: pip install opentelemetry-exporter-otlp-json-http"
    require("opentelemetry.exporter.otlp.json.http", remedy)
    preferred = metric_arguments(options.arguments) if options.signal == "metrics" else {}
    return lazy_exporter(options.signal, lambda: _make(options, preferred), preferred)


def _make(options: ExporterOptions, preferred: dict[str, Any]) -> Any:
    """Make upstream's exporter."""
    name, exporter = _MODULES[options.signal]
    # Import the package first: it has circular imports, and threads that import two modules of it can deadlock.
    import_module("opentelemetry.exporter.otlp.json.http")
    module = import_module(f"opentelemetry.exporter.otlp.json.http.{name}")
    arguments = options.arguments
    return getattr(module, exporter)(
        endpoint=remove_user(options.endpoint),
        certificate_file=arguments.get("certificate") or None,
        client_key_file=arguments.get("client_key") or None,
        client_certificate_file=arguments.get("client_certificate") or None,
        # This exporter cannot refresh headers: a file is read once.
        headers=build_headers(replace(options, refresh_headers=None)),
        timeout=timeout_seconds(options),
        # The class comes from different packages in different releases; the module always has it.
        compression=module.Compression(options.compression),
        **preferred,
    )
