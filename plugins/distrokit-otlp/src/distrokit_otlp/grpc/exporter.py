"""OTLP over grpc: makes the exporter of a signal and its transport."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from distrokit import ExporterOptions
from distrokit_otlp.connection.endpoints import is_for_grpcio
from distrokit_otlp.connection.options import balancing_of, target_for
from distrokit_otlp.credentials.options import live_headers
from distrokit_otlp.credentials.provider import provider_name
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.exporter import Sender, exporter_arguments, timeout_seconds
from distrokit_otlp.grpc.status import CODES
from distrokit_otlp.lazy import LazySender
from distrokit_otlp.modules import require
from distrokit_otlp.own_parameters import OWN_PARAMETERS
from distrokit_otlp.signals import SignalInOTLP, signal_for
from distrokit_otlp.tls.files import KEYS, TlsFiles
from distrokit_otlp.tls.roots import named_roots

_CODES = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
#: Parameters of the transport.
_TAKEN = ("insecure", "channel_options", *OWN_PARAMETERS, *KEYS)


def make_grpc(options: ExporterOptions) -> Any:
    """Make the grpc exporter of ``options.signal``.

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``ValueError`` for a retryable code that grpc
        does not have; ``ModuleNotFoundError`` where grpcio is needed and not installed; ``TypeError`` for an unknown
        argument, and for credentials of another transport.
    """
    signal, codes = signal_for(options), _codes(options)
    make = _by_grpcio(options, signal, codes) if needs_grpcio(options) else _own(options, signal, codes)

    def make_all() -> Sender:
        # Also the encoders: a fork waits for this function, and not for an import in an export.
        signal.prepare()
        return make()

    kind, keywords = exporter_arguments(options, taken=_TAKEN)
    return kind(signal, LazySender(make_all), timeout_seconds(options), **keywords)


def needs_grpcio(options: ExporterOptions) -> str:
    """Return what asks for grpcio: a setting, or what only grpcio can do; empty for the transport of our own."""
    if options.arguments.get("transport") == "grpcio":
        return "DISTROKIT_OTLP_GRPC=grpcio"
    if options.credentials is not None:
        return "channel credentials"
    if options.arguments.get("channel_options"):
        return "channel options"
    if is_for_grpcio(options.endpoint):
        return f"the endpoint {options.endpoint}"
    insecure = bool(options.arguments.get("insecure"))
    return "a credential provider" if not insecure and provider_name(options, "GRPC") else ""


def _own(options: ExporterOptions, signal: SignalInOTLP, codes: frozenset[str] | None) -> Callable[[], Sender]:
    """Return a function that makes the transport of our own."""
    target = target_for(options)
    files = TlsFiles.of(options)
    context: list[Any] = []
    if target.tls and (files or named_roots(os.environ, grpc=True)):
        # Now, so that faults appear at the start, and before the process drops its permissions.
        from distrokit_otlp.tls.context import TlsContext

        context.append(TlsContext(files, ["h2"], grpc=True))
        context[0].load()

    def make() -> Sender:
        from distrokit_otlp.connection.connections import Connections
        from distrokit_otlp.connection.connector import Connector
        from distrokit_otlp.grpc.connection import Http2Connection
        from distrokit_otlp.grpc.sender import GrpcSender
        from distrokit_otlp.tls.context import TlsContext

        tls = context[0] if context else TlsContext(files, ["h2"], grpc=True)
        connector = Connector(target, tls.current, grpc=True)
        connections = Connections(
            connector, lambda socket, address, _: Http2Connection(socket, address), **balancing_of(options)
        )
        return GrpcSender(
            connections, connector, live_headers(options, {}, grpc=True), tls, Diagnosis(options),
            method=signal.method, user_agent=_user_agent(options), compression=options.compression, retryable=codes,
        )  # fmt: skip

    return make


def _by_grpcio(options: ExporterOptions, signal: SignalInOTLP, codes: frozenset[str] | None) -> Callable[[], Sender]:
    """Return a function that makes the transport over grpcio."""
    why = needs_grpcio(options)
    require("grpc", f"{why} needs the package grpcio: pip install 'distrokit-otlp[grpcio]'")
    from distrokit_otlp.grpc.grpcio_channel import make_sender

    return make_sender(options, signal, codes, _user_agent(options))


def _codes(options: ExporterOptions) -> frozenset[str] | None:
    """Read the status codes to retry on in place of the specification's; ``None`` when the setting is empty."""
    names = [name.strip().upper() for name in options.settings.get(_CODES).split(",") if name.strip()]
    unknown = [name for name in names if name not in CODES]
    if unknown:
        raise ValueError(f"{_CODES}: grpc has no status code {', '.join(unknown)}")
    return frozenset(names) or None


def _user_agent(options: ExporterOptions) -> str:
    from opentelemetry.sdk.version import __version__ as exporter_version

    return f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}".strip()
