"""OTLP over grpc: makes the exporter and its channel."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc.version import __version__ as exporter_version

from distrokit import ExporterOptions, Settings
from distrokit_otlp.credential_provider import load_credentials, provider_name
from distrokit_otlp.diagnosis import Diagnosis
from distrokit_otlp.endpoints import basic_authorization, grpc_target
from distrokit_otlp.exporter import exporter_arguments, timeout_seconds
from distrokit_otlp.header_rules import HeaderFilter, to_metadata
from distrokit_otlp.lazy import LazySender, require
from distrokit_otlp.live_headers import LiveHeaders, exclude_refreshed
from distrokit_otlp.quiet import quiet
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.signals import signal_of
from distrokit_otlp.tls_files import TlsFiles
from distrokit_otlp.tls_loading import TlsFileError

_CODES = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
#: From this release on, grpc reads its log verbosity when it is imported.
_VERBOSITY_READ_AT_IMPORT = 1, 78
#: Parameters of the channel.
_CHANNEL_PARAMETERS = ("insecure", "certificate", "client_key", "client_certificate", "channel_options")


def make_grpc(options: ExporterOptions) -> Any:
    """Make the grpc exporter of ``options.signal``.

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``ValueError`` for a retryable code that grpc
        does not have; ``TypeError`` for an unknown argument, and for credentials of another transport.
    """
    require("grpc", "grpc needs the package grpcio: pip install grpcio")
    signal, headers, codes = signal_of(options.signal), _headers(options), _codes(options)
    files = TlsFiles.of(options)
    channel = _channel(options, files)

    def make() -> Any:
        with quiet(options.settings):
            # Also the encoders: a fork waits for this function, and not for an import in an export.
            from distrokit_otlp import encoders  # noqa: F401
            from distrokit_otlp.grpc_sender import GrpcSender

        address, hint = grpc_target(options.endpoint), _hint(options)
        return GrpcSender(
            signal.method, signal.response, channel, headers, address, codes, hint, files, Diagnosis(options)
        )

    kind, keywords = exporter_arguments(options, taken=_CHANNEL_PARAMETERS)
    return kind(signal, LazySender(make), timeout_seconds(options), **keywords)


def _import_grpc(settings: Settings) -> Any:
    with quiet(settings):
        import grpc

    return grpc


def _channel(options: ExporterOptions, files: TlsFiles) -> Any:
    """Return a function that opens a channel; check files and credentials now, so that errors appear at the start."""
    arguments = options.arguments
    insecure = bool(arguments.get("insecure"))
    if options.credentials is not None:
        # Without TLS they would never be checked, and with TLS only by the first export.
        _check_credentials(options)
    own = (*_user_agent(options.user_agent), *(arguments.get("channel_options") or ()))
    address = grpc_target(options.endpoint)
    # Read now: the process may drop the permission to read them.
    contents = {} if insecure else files.load()
    credentials_given = options.credentials or (None if insecure or files else _from_credential_provider(options))

    def channel(more: tuple[tuple[str, Any], ...]) -> Any:
        nonlocal contents
        grpc = _import_grpc(options.settings)
        compression = grpc.Compression.Gzip if options.compression == "gzip" else grpc.Compression.NoCompression
        with _quietly(grpc, options.settings):
            if insecure:
                return grpc.insecure_channel(address, options=(*more, *own), compression=compression)
            if files.changed():
                # While files are being replaced, the last valid ones stay in use.
                with contextlib.suppress(TlsFileError):
                    contents = files.load()
            credentials = credentials_given or _credentials(contents)
            return grpc.secure_channel(address, credentials, options=(*more, *own), compression=compression)

    return channel


def _check_credentials(options: ExporterOptions) -> None:
    grpc = _import_grpc(options.settings)
    if not isinstance(options.credentials, grpc.ChannelCredentials):
        raise TypeError(
            f"grpc credentials must be grpc.ChannelCredentials, not {type(options.credentials).__name__}; a "
            "requests.auth.AuthBase needs OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        )


def _quietly(grpc: Any, settings: Settings) -> contextlib.AbstractContextManager[None]:
    """Silence grpc releases that read their log verbosity when the first channel is opened."""
    at_import = tuple(int(part) for part in re.findall(r"\d+", grpc.__version__)[:2]) >= _VERBOSITY_READ_AT_IMPORT
    return contextlib.nullcontext() if at_import else quiet(settings)


def _hint(options: ExporterOptions) -> str:
    """Return a hint for a connection that ends without a cause, as when the receiver requires a client certificate."""
    if options.arguments.get("insecure") or options.arguments.get("client_certificate"):
        return ""
    place = Remedies.of(options).place("client_certificate")
    return f" (the receiver may require a client certificate: {place})"


def _codes(options: ExporterOptions) -> frozenset[str] | None:
    """Read the status codes to retry on in place of the specification's; ``None`` when the setting is empty."""
    names = [name.strip().upper() for name in options.settings.get(_CODES).split(",") if name.strip()]
    if names:
        known = _import_grpc(options.settings).StatusCode.__members__
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(f"{_CODES}: grpc has no status code {', '.join(unknown)}")
    return frozenset(names) or None


def _from_credential_provider(options: ExporterOptions) -> Any:
    """Return the credentials of upstream's credential provider; ``None`` when no setting names one.

    Raises: ``LookupError`` when no provider has that name; ``TypeError`` when it returns something else.
    """
    name = provider_name(options, "GRPC")
    if not name:
        return None
    grpc, credentials = _import_grpc(options.settings), load_credentials(name)
    if not isinstance(credentials, grpc.ChannelCredentials):
        raise TypeError(f"the credential provider {name!r} returned {type(credentials).__name__}")
    return credentials


def _headers(options: ExporterOptions) -> Any:
    """Return the metadata of every request: a tuple, or an object that yields current pairs each time."""
    # grpc rejects upper case in header names, which a hook may have used.
    header_filter = HeaderFilter(f"{options.name} {options.signal}", grpc=True)
    fixed = header_filter({name.lower(): value for name, value in options.headers.items()})
    if credentials := basic_authorization(options.endpoint):
        fixed["authorization"] = credentials
    if options.refresh_headers is None:
        return to_metadata(fixed)
    return LiveHeaders(exclude_refreshed(fixed, options.refresh_headers), options.refresh_headers, header_filter)


def _credentials(contents: Mapping[str, bytes]) -> Any:
    """Make TLS credentials from the files; without a CA file, grpc's own roots are used."""
    import grpc

    return grpc.ssl_channel_credentials(
        root_certificates=contents.get("certificate"),
        private_key=contents.get("client_key"),
        certificate_chain=contents.get("client_certificate"),
    )


def _user_agent(user_agent: str) -> tuple[tuple[str, str], ...]:
    own = f"OTel-OTLP-Exporter-Python/{exporter_version}"
    return (("grpc.primary_user_agent", f"{user_agent} {own}".strip()),)
