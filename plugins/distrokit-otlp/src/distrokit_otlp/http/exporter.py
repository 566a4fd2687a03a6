"""OTLP over HTTP: makes the exporter of a signal and its transport."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from distrokit import EntryPoints, ExporterOptions
from distrokit_otlp.connection.endpoints import is_grpc_target, remove_user
from distrokit_otlp.connection.options import balancing_of, target_for
from distrokit_otlp.credentials.options import live_headers
from distrokit_otlp.credentials.provider import load_credentials, provider_name
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.exporter import Sender, exporter_arguments, timeout_seconds
from distrokit_otlp.lazy import LazySender
from distrokit_otlp.modules import require
from distrokit_otlp.own_parameters import HTTP_TRANSPORT, OWN_PARAMETERS, TRANSPORT_GROUP
from distrokit_otlp.signals import SignalInOTLP, signal_for
from distrokit_otlp.tls.files import KEYS, TlsFiles
from distrokit_otlp.tls.roots import named_roots

_TAKEN = ("insecure", "encoding", *OWN_PARAMETERS, *KEYS)


def make_http(options: ExporterOptions) -> Any:
    """Make the HTTP exporter of ``options.signal``.

    Raises: ``TlsFileError`` for a certificate or a key that TLS cannot use; ``LookupError`` for a credential provider
        or transport that is not installed; ``ModuleNotFoundError`` for http/json without its encoders; ``TypeError``
        for an unknown argument.
    """
    signal = signal_for(options)
    make = _library(options, signal) or _own(options, signal)

    def make_all() -> Sender:
        # Also the encoders: a fork waits for this function, and not for an import in an export.
        signal.prepare()
        return make()

    kind, keywords = exporter_arguments(options, taken=_TAKEN)
    return kind(signal, LazySender(make_all), timeout_seconds(options), **keywords)


def _own(options: ExporterOptions, signal: SignalInOTLP) -> Callable[[], Sender]:
    """Return a function that makes the transport of our own."""
    target = target_for(options)
    files = TlsFiles.of(options)
    context: list[Any] = []
    if target.tls and (files or named_roots(os.environ, grpc=False)):
        # Now, so that faults appear at the start, and before the process drops its permissions.
        from distrokit_otlp.tls.context import TlsContext

        context.append(TlsContext(files, ["http/1.1"], grpc=False))
        context[0].load()
    sign = options.credentials

    def make() -> Sender:
        from distrokit_otlp.connection.connections import Connections
        from distrokit_otlp.connection.connector import Connector
        from distrokit_otlp.http.connection import HttpConnection
        from distrokit_otlp.http.sender import HttpSender
        from distrokit_otlp.tls.context import TlsContext

        tls = context[0] if context else TlsContext(files, ["http/1.1"], grpc=False)
        connector = Connector(target, tls.current, grpc=False)
        connections = Connections(
            connector, lambda socket, address, proxy: HttpConnection(socket, address, target, proxy),
            **balancing_of(options),
        )  # fmt: skip
        return HttpSender(
            connections, connector, live_headers(options, _user_agent(options), grpc=False), tls, Diagnosis(options),
            own_headers=_own_headers(options, signal), compression=options.compression, url=_url(options), sign=sign,
        )  # fmt: skip

    return make


def _library(options: ExporterOptions, signal: SignalInOTLP) -> Callable[[], Sender] | None:
    """Return a function that makes a transport over another library; ``None`` where no setting asks for one.

    What the library makes is made now, so that its errors appear at the start; each forked process makes another one.
    """
    client = _session_client(options) or _transport_client(options)
    if client is None:
        return None
    if is_grpc_target(options.endpoint) and not _is_url(options):
        raise ValueError(
            f"{options.endpoint}: only distrokit's own transport sends to a socket or to several addresses"
        )
    first = [client()]

    def make() -> Sender:
        from distrokit_otlp.http.library_sender import LibrarySender

        return LibrarySender(
            lambda: first.pop() if first else client(), _url(options),
            live_headers(options, _user_agent(options), grpc=False), _own_headers(options, signal),
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


def _user_agent(options: ExporterOptions) -> Mapping[str, str]:
    from opentelemetry.sdk.version import __version__ as exporter_version

    if not options.user_agent:
        return {}
    return {"user-agent": f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}"}


def _own_headers(options: ExporterOptions, signal: SignalInOTLP) -> dict[str, str]:
    encoding = {} if options.compression == "none" else {"content-encoding": options.compression}
    # A compressed response may expand a thousandfold.
    return {"content-type": signal.content_type, "accept-encoding": "identity", **encoding}
