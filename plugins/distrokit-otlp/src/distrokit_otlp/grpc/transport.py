"""The transport of an exporter over grpc, from its options: our own over ``h2``, or ``grpcio``."""

from __future__ import annotations

from collections.abc import Callable

from distrokit import ExporterOptions
from distrokit_otlp.connection.endpoints import is_for_grpcio
from distrokit_otlp.connection.options import user_agent_of
from distrokit_otlp.credentials.options import live_headers
from distrokit_otlp.credentials.provider import provider_name
from distrokit_otlp.grpc.status import CODES
from distrokit_otlp.modules import require
from distrokit_otlp.sender import Sender
from distrokit_otlp.signals import SignalInOTLP
from distrokit_otlp.tls.options import prepare_tls

_CODES = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"


def prepare_grpc(options: ExporterOptions, signal: SignalInOTLP) -> Callable[[], Sender]:
    """Return a function that makes the transport; files, credentials and packages are checked now.

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``ValueError`` for a retryable code that grpc
        does not have; ``ModuleNotFoundError`` where grpcio is needed and not installed; ``TypeError`` for credentials
        of another transport.
    """
    codes, user_agent = _codes(options), user_agent_of(options)
    if why := needs_grpcio(options):
        require("grpc", f"{why} needs the package grpcio: pip install 'distrokit-otlp[grpcio]'")
        from distrokit_otlp.grpc.grpcio_channel import make_sender

        return make_sender(options, signal, codes, user_agent)
    make_tls = prepare_tls(options, "h2")

    def make() -> Sender:
        from distrokit_otlp.grpc.sender import GrpcSender

        headers = live_headers(options, {}, grpc=True)
        return GrpcSender(options, headers, make_tls(), method=signal.method, user_agent=user_agent, retryable=codes)

    return make


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


def _codes(options: ExporterOptions) -> frozenset[str] | None:
    """Read the status codes to retry on in place of the specification's; ``None`` when the setting is empty."""
    names = [name.strip().upper() for name in options.settings.get(_CODES).split(",") if name.strip()]
    unknown = [name for name in names if name not in CODES]
    if unknown:
        raise ValueError(f"{_CODES}: grpc has no status code {', '.join(unknown)}")
    return frozenset(names) or None
