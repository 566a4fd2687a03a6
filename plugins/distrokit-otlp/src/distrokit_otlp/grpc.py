"""OTLP over grpc: the exporter, and how its channel is opened."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import grpc
from opentelemetry.exporter.otlp.proto.grpc.version import __version__ as exporter_version

from distrokit import EntryPoints, ExporterOptions
from distrokit_otlp.exporter import NO_LIMIT, otlp_exporter
from distrokit_otlp.files import readable
from distrokit_otlp.grpc_sender import GrpcSender
from distrokit_otlp.live_headers import LiveHeaders, that_stay
from distrokit_otlp.signals import signal_of

_CODES = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
#: Of parameters that are for the channel.
_OF_THE_CHANNEL = ("insecure", "certificate", "client_key", "client_certificate", "channel_options")


def make_grpc(options: ExporterOptions) -> Any:
    """The grpc exporter of ``options.signal``.

    Raises: ``OSError`` when a certificate file cannot be read; ``ValueError`` for a retryable code that grpc does not
        have; ``TypeError`` for an argument that nobody takes, and for credentials of another transport.
    """
    signal = signal_of(options.signal)
    sender = GrpcSender(
        signal.method,
        signal.response,
        _channel(options),
        _headers(options),
        _where(options.endpoint),
        _codes(options),
        _hint(options),
    )
    timeout = options.timeout_millis / 1000 or NO_LIMIT
    return otlp_exporter(options, signal, sender, timeout, taken=_OF_THE_CHANNEL)


def _where(endpoint: str) -> str:
    return (urlsplit(endpoint).netloc if "://" in endpoint else "") or endpoint


def _channel(options: ExporterOptions) -> Any:
    """Opens a channel; what can be wrong with files and credentials is wrong now."""
    arguments = options.arguments
    insecure = bool(arguments.get("insecure"))
    if options.credentials is not None and not isinstance(options.credentials, grpc.ChannelCredentials):
        # Without TLS nobody would look at them, and with it grpc finds out with the first export only.
        raise TypeError(
            f"grpc takes grpc.ChannelCredentials, and not {type(options.credentials).__name__} as credentials; a "
            "requests.auth.AuthBase needs OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        )
    own = (*_user_agent(options.user_agent), *(arguments.get("channel_options") or ()))
    compression = grpc.Compression.Gzip if options.compression == "gzip" else grpc.Compression.NoCompression
    target = _where(options.endpoint)
    if insecure:
        return lambda more: grpc.insecure_channel(target, options=(*more, *own), compression=compression)
    files = {name: str(arguments.get(name) or "") for name in ("certificate", "client_key", "client_certificate")}
    credentials = options.credentials or _credentials(files, own="/" in options.name) or _provided(options)
    return lambda more: grpc.secure_channel(target, credentials, options=(*more, *own), compression=compression)


def _hint(options: ExporterOptions) -> str:
    """A receiver that wants a certificate ends the connection, and grpc is not told why."""
    if options.arguments.get("insecure") or options.arguments.get("client_certificate"):
        return ""
    return " (does it want a client's certificate? OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)"


def _codes(options: ExporterOptions) -> frozenset[str] | None:
    """Codes to retry on instead of the specification's; ``None`` when nobody named any."""
    names = [name.strip().upper() for name in options.settings.get(_CODES).split(",") if name.strip()]
    unknown = [name for name in names if name not in grpc.StatusCode.__members__]
    if unknown:
        raise ValueError(f"{_CODES}: grpc has no status code {', '.join(unknown)}")
    return frozenset(names) or None


def _provided(options: ExporterOptions) -> grpc.ChannelCredentials:
    """Those of upstream's credential provider, else the system's roots.

    Raises: ``LookupError`` when there is no provider of that name; ``TypeError`` when it gives something else.
    """
    variable = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_{}CREDENTIAL_PROVIDER"
    names = (variable.format(f"{options.signal.upper()}_"), variable.format(""))
    # The provider is not for a second destination.
    name = next(filter(None, map(options.settings.get, names)), "") if "/" not in options.name else ""
    if not name:
        return grpc.ssl_channel_credentials()
    found = [
        point for point in EntryPoints.scan().group("opentelemetry_otlp_credential_provider") if point.name == name
    ]
    if not found:
        raise LookupError(f"no package offers the credential provider {name!r}")
    credentials = found[0].load()()
    if not isinstance(credentials, grpc.ChannelCredentials):
        raise TypeError(f"the credential provider {name!r} returned {type(credentials).__name__}")
    return credentials


def _headers(options: ExporterOptions) -> Any:
    """Handed over with every request: a tuple, or pairs that are made anew."""
    # grpc refuses upper case in a header's name, which a hook may well have written.
    fixed = {name.lower(): value for name, value in options.headers.items()}
    if options.refresh_headers is None:
        return tuple(fixed.items())
    return LiveHeaders(that_stay(fixed, options.refresh_headers), options.refresh_headers)


def _credentials(files: dict[str, str], own: bool = False) -> grpc.ChannelCredentials | None:
    """TLS as the files say; a client certificate needs no CA of its own.

    ``None`` without files: then there may be a credential provider.
    """
    if not any(files.values()):
        return grpc.ssl_channel_credentials() if own else None
    content = {name: readable(path) if path else None for name, path in files.items()}
    return grpc.ssl_channel_credentials(
        root_certificates=content["certificate"],
        private_key=content["client_key"],
        certificate_chain=content["client_certificate"],
    )


def _user_agent(user_agent: str) -> tuple[tuple[str, str], ...]:
    own = f"OTel-OTLP-Exporter-Python/{exporter_version}"
    return (("grpc.primary_user_agent", f"{user_agent} {own}".strip()),)
