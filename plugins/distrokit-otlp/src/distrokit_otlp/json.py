"""OTLP over http/json: the exporters of ``opentelemetry-exporter-otlp-json-http``, if it is installed."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

from distrokit import ExporterOptions
from distrokit_otlp.endpoints import remove_user
from distrokit_otlp.http import build_headers, timeout_seconds
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
    """The http/json exporter of ``options.signal``.

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``ModuleNotFoundError`` without the package;
        ``TypeError`` for credentials, which it does not take.
    """
    from distrokit import metric_arguments

    TlsFiles.of(options).load()
    refresh = options.refresh_headers
    if options.credentials is not None or not (refresh is None or isinstance(refresh, HeadersFile)):
        raise TypeError("http/json takes neither a session nor headers that change; use http/protobuf")
    remedy = "http/json needs a package of its own: pip install opentelemetry-exporter-otlp-json-http"
    require("opentelemetry.exporter.otlp.json.http", remedy)
    preferred = metric_arguments(options.arguments) if options.signal == "metrics" else {}
    return lazy_exporter(options.signal, lambda: _make(options, preferred), preferred)


def _make(options: ExporterOptions, preferred: dict[str, Any]) -> Any:
    """Upstream's exporter."""
    name, exporter = _MODULES[options.signal]
    # The package first, and whole: its own imports go round, and threads that begin at two ends of it dead-lock.
    import_module("opentelemetry.exporter.otlp.json.http")
    module = import_module(f"opentelemetry.exporter.otlp.json.http.{name}")
    arguments = options.arguments
    return getattr(module, exporter)(
        endpoint=remove_user(options.endpoint),
        certificate_file=arguments.get("certificate") or None,
        client_key_file=arguments.get("client_key") or None,
        client_certificate_file=arguments.get("client_certificate") or None,
        # Those of a file as they are now: this exporter cannot ask again.
        headers=build_headers(replace(options, refresh_headers=None)),
        timeout=timeout_seconds(options),
        # The module has the class, whichever package it comes from in this release.
        compression=module.Compression(options.compression),
        **preferred,
    )
