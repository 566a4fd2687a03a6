"""OTLP over http/protobuf: makes the exporter and its session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version

from distrokit import ExporterOptions
from distrokit_otlp.credential_provider import load_credentials, provider_name
from distrokit_otlp.diagnosis import Diagnosis
from distrokit_otlp.endpoints import basic_authorization, remove_user
from distrokit_otlp.exporter import exporter_arguments, timeout_seconds
from distrokit_otlp.header_rules import HeaderFilter
from distrokit_otlp.lazy import LazySender, require
from distrokit_otlp.live_headers import exclude_refreshed
from distrokit_otlp.signals import signal_of
from distrokit_otlp.tls_files import KEYS, TlsFiles


def make_http(options: ExporterOptions) -> Any:
    """Make the HTTP exporter of ``options.signal``.

    Raises: ``TlsFileError`` for a certificate or a key that TLS cannot use; ``LookupError`` for a credential provider
        that is not installed; ``TypeError`` for an unknown argument.
    """
    files = TlsFiles.of(options)
    # requests would report a wrong file only with the first export.
    files.load()
    require("requests", "http/protobuf needs the package requests: pip install requests")
    signal, headers = signal_of(options.signal), build_headers(options)
    # A plugin's or a provider's session is made now, so that its errors appear at the start; each forked process makes
    # another one.
    eager = options.credentials is not None or provider_name(options, "HTTP")
    first = [make_session(options, files.paths)] if eager else []

    def make() -> Any:
        # Also these modules: a fork waits for this function, and not for an import in an export.
        from distrokit_otlp import encoders, session  # noqa: F401
        from distrokit_otlp.http_sender import HttpSender

        return HttpSender(
            lambda: first.pop() if first else make_session(options, files.paths),
            remove_user(options.endpoint),
            headers,
            options.compression,
            signal.response,
            files,
            Diagnosis(options),
        )

    kind, keywords = exporter_arguments(options, taken=("insecure", "encoding", *KEYS))
    return kind(signal, LazySender(make), timeout_seconds(options), **keywords)


def build_headers(options: ExporterOptions) -> dict[str, str]:
    """Add the exporter's User-Agent, unless the headers have one, and the endpoint's user and password.

    The latter override a header, as with upstream's exporter, and are overridden by refreshed headers.
    """
    headers = _header_filter(options)(exclude_refreshed(options.headers, options.refresh_headers))
    if options.user_agent and "user-agent" not in {name.lower() for name in headers}:
        headers["User-Agent"] = f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}"
    if credentials := basic_authorization(options.endpoint):
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        headers["Authorization"] = credentials
    return headers


def _header_filter(options: ExporterOptions) -> HeaderFilter:
    return HeaderFilter(f"{options.name} {options.signal}", grpc=False)


def make_session(options: ExporterOptions, files: Mapping[str, str] | None = None) -> Any:
    """Return the session of a hook or of upstream's credential provider; else make one, with a hook's auth if given."""
    from requests.auth import AuthBase

    from distrokit_otlp.session import OTLPSession, refreshing_auth

    session = options.credentials or _from_credential_provider(options)
    if session is None or isinstance(session, AuthBase):
        session = OTLPSession(_header_filter(options), options.refresh_headers, session)
    elif options.refresh_headers and session.auth is None:
        session.auth = refreshing_auth(options.refresh_headers, _header_filter(options))
    files = files or {}
    if files.get("certificate"):
        session.verify = files["certificate"]
    if files.get("client_certificate"):
        # With both named, urllib3 rejects a key with a password; with one, OpenSSL would ask for it on the terminal.
        session.cert = files["client_certificate"], files.get("client_key") or files["client_certificate"]
    return session


def _from_credential_provider(options: ExporterOptions) -> Any:
    """Return the session of upstream's credential provider; ``None`` when no setting names one.

    Raises: ``LookupError`` when no provider has that name.
    """
    name = provider_name(options, "HTTP")
    return load_credentials(name) if name else None
