"""The transport over ``grpcio``, where settings or plugins ask for it: its channel."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from distrokit import ExporterOptions, Settings
from distrokit_otlp.connection.endpoints import grpc_target
from distrokit_otlp.credentials.options import live_headers
from distrokit_otlp.credentials.provider import load_credentials, provider_name
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.grpc.quiet import quiet
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.sender import Sender
from distrokit_otlp.signals import SignalInOTLP
from distrokit_otlp.tls.files import TlsFiles
from distrokit_otlp.tls.loading import TlsFileError

#: From this release on, grpc reads its log verbosity when it is imported.
_VERBOSITY_READ_AT_IMPORT = 1, 78


def make_sender(
    options: ExporterOptions, signal: SignalInOTLP, codes: frozenset[str] | None, user_agent: str
) -> Callable[[], Sender]:
    """Return a function that makes the transport; files and credentials are checked now.

    Args:
        options: the exporter's options.
        signal: the signal's encoding.
        codes: names of status codes to retry on; ``None`` for those of the specification.
        user_agent: prefix of grpcio's own.

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``TypeError`` for credentials of another
        transport.
    """
    files = TlsFiles.of(options, lenient=True)
    channel = _channel(options, files, user_agent)
    headers = live_headers(options, {}, grpc=True)

    def make() -> Sender:
        with quiet(options.settings):
            from distrokit_otlp.grpc.grpcio_sender import GrpcioSender

        address, hint = grpc_target(options.endpoint), _hint(options)
        return GrpcioSender(signal.method, channel, headers, address, codes, hint, files, Diagnosis(options))

    return make


def _import_grpc(settings: Settings) -> Any:
    with quiet(settings):
        import grpc

    return grpc


def _channel(options: ExporterOptions, files: TlsFiles, user_agent: str) -> Any:
    """Return a function that opens a channel; check files and credentials now, so that errors appear at the start."""
    arguments = options.arguments
    insecure = bool(arguments.get("insecure"))
    if options.credentials is not None:
        # Without TLS they would never be checked, and with TLS only by the first export.
        _check_credentials(options)
    own = (("grpc.primary_user_agent", user_agent), *(arguments.get("channel_options") or ()))
    address = grpc_target(options.endpoint)
    # Read now: the process may drop the permission to read them.
    if not insecure:
        files.load()
    credentials_given = options.credentials or (None if insecure or files else _from_credential_provider(options))

    def channel(more: tuple[tuple[str, Any], ...]) -> Any:
        grpc = _import_grpc(options.settings)
        compression = grpc.Compression.Gzip if options.compression == "gzip" else grpc.Compression.NoCompression
        with _quietly(grpc, options.settings):
            if insecure:
                return grpc.insecure_channel(address, options=(*more, *own), compression=compression)
            if files.changed():
                # While files are being replaced, the last valid ones stay in use.
                with contextlib.suppress(TlsFileError):
                    files.load()
            credentials = credentials_given or _credentials(files.contents)
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


def _credentials(contents: Mapping[str, bytes]) -> Any:
    """Make TLS credentials from the files; without a CA file, grpc's own roots are used."""
    import grpc

    return grpc.ssl_channel_credentials(
        root_certificates=contents.get("certificate"),
        private_key=contents.get("client_key"),
        certificate_chain=contents.get("client_certificate"),
    )
