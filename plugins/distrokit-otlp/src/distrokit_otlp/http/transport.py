"""The transport of an exporter over HTTP, from its options: our own, a plugin's session, or another package's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distrokit import EntryPoints, ExporterOptions
from distrokit_otlp.connection.endpoints import is_grpc_target, remove_user
from distrokit_otlp.connection.options import target_for, user_agent_of
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.credentials.options import live_headers
from distrokit_otlp.credentials.provider import load_credentials, provider_name
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.modules import require
from distrokit_otlp.own_parameters import HTTP_TRANSPORT, TRANSPORT_GROUP
from distrokit_otlp.sender import Sender
from distrokit_otlp.signals import SignalInOTLP
from distrokit_otlp.tls.files import TlsFiles
from distrokit_otlp.tls.options import prepare_tls


def prepare_http(options: ExporterOptions, signal: SignalInOTLP) -> Callable[[], Sender]:
    """Return a function that makes the transport; files and packages are checked now.

    Raises: ``TlsFileError`` for a certificate or a key that TLS cannot use; ``LookupError`` for a credential provider
        or transport that is not installed; ``ModuleNotFoundError`` where requests is needed and not installed;
        ``ValueError`` for an endpoint that only the transport of our own supports.
    """
    own_headers = _own_headers(options, signal)
    client = _session_client(options) or _transport_client(options)
    if client is not None:
        return _by_library(options, own_headers, client)
    make_tls = prepare_tls(options, "http/1.1")

    def make() -> Sender:
        from distrokit_otlp.http.sender import HttpSender

        return HttpSender(options, _headers(options), make_tls(), own_headers=own_headers, url=_url(options))

    return make


def _by_library(
    options: ExporterOptions, own_headers: dict[str, str], client: Callable[[], Any]
) -> Callable[[], Sender]:
    """Return a function that makes a transport over another library.

    What the library makes is made now, so that its errors appear at the start; each forked process makes another one.
    """
    if is_grpc_target(options.endpoint) and not _is_url(options):
        raise ValueError(
            f"{options.endpoint}: only distrokit's own transport sends to a socket or to several addresses"
        )
    first = [client()]

    def make() -> Sender:
        from distrokit_otlp.http.library_sender import LibrarySender

        return LibrarySender(
            lambda: first.pop() if first else client(), _url(options), _headers(options), own_headers,
            options.compression, Diagnosis(options),
        )  # fmt: skip

    return make


def _session_client(options: ExporterOptions) -> Callable[[], Any] | None:
    """Return a function that makes the client of a plugin's or a credential provider's session; ``None`` without."""
    name, credentials = provider_name(options, "HTTP"), options.credentials
    if credentials is None and not name:
        return None
    require("requests", "these credentials need the package requests: pip install requests")
    import requests
    from requests.auth import AuthBase, HTTPDigestAuth

    if isinstance(credentials, AuthBase) and not isinstance(credentials, HTTPDigestAuth):
        return None

    def client() -> Any:
        from distrokit_otlp.http.library_sender import SessionClient

        session = credentials or load_credentials(name)
        if isinstance(session, HTTPDigestAuth):
            # It answers a response, which only a session can.
            digest, session = session, requests.Session()
            session.auth = digest
        files = TlsFiles.of(options)
        files.load()
        verify, cert = _certificates(files)
        session.verify = verify or session.verify
        session.cert = cert or session.cert
        return SessionClient(session)

    return client


def _transport_client(options: ExporterOptions) -> Callable[[], Any] | None:
    """Return a function that makes the client of a published transport; ``None`` when no setting names one."""
    name = str(options.arguments.get("http_transport") or HTTP_TRANSPORT)
    if name == HTTP_TRANSPORT:
        return None
    point = next((point for point in EntryPoints.scan().group(TRANSPORT_GROUP) if point.name == name), None)
    if point is None:
        raise LookupError(f"no package publishes the transport {name!r}")
    factory = point.load()
    files = TlsFiles.of(options)
    files.load()

    def client() -> Any:
        from distrokit_otlp.http.library_sender import TransportClient

        verify, cert = _certificates(files)
        return TransportClient(factory(verify=verify or True, cert=cert))

    return client


def _certificates(files: TlsFiles) -> tuple[str, tuple[str, str] | None]:
    """Return the CA file, and the files of client certificate and key, as ``requests`` takes them."""
    paths = files.paths
    # With both named, urllib3 rejects a key with a password; with one, OpenSSL would ask for it on the terminal.
    pair = paths["client_certificate"], paths["client_key"] or paths["client_certificate"]
    return paths["certificate"], pair if pair[0] else None


def _is_url(options: ExporterOptions) -> bool:
    """True if the endpoint has one host, as a URL has."""
    target = target_for(options)
    return not target.is_local and not target.is_list


def _url(options: ExporterOptions) -> str:
    """Return the endpoint as a URL without user and password."""
    if not is_grpc_target(options.endpoint):
        return remove_user(options.endpoint)
    target = target_for(options)
    return f"{'https' if target.tls else 'http'}://{target.authority(target.listed[0])}{target.path}"


def _headers(options: ExporterOptions) -> LiveHeaders:
    return live_headers(options, {"user-agent": user_agent_of(options)} if options.user_agent else {}, grpc=False)


def _own_headers(options: ExporterOptions, signal: SignalInOTLP) -> dict[str, str]:
    encoding = {} if options.compression == "none" else {"content-encoding": options.compression}
    # A compressed response may expand a thousandfold.
    return {"content-type": signal.content_type, "accept-encoding": "identity", **encoding}
