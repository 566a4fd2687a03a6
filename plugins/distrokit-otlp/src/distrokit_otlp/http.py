"""OTLP over http/protobuf: the exporter, and the session it sends with."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version

from distrokit import ExporterOptions
from distrokit_otlp.exporter import NO_LIMIT, otlp_exporter
from distrokit_otlp.files import readable
from distrokit_otlp.lazy import LazySender, require
from distrokit_otlp.live_headers import that_stay
from distrokit_otlp.signals import signal_of

_FILES = ("certificate", "client_key", "client_certificate")


def make_http(options: ExporterOptions) -> Any:
    """The HTTP exporter of ``options.signal``.

    Raises: ``OSError`` when a certificate file cannot be read; ``LookupError`` for a credential provider that is not
        there; ``TypeError`` for an argument that nobody takes.
    """
    files = {name: str(options.arguments.get(name) or "") for name in _FILES}
    for path in filter(None, files.values()):
        # requests finds out with the first export only.
        readable(path)
    require("requests", "http/protobuf needs the package requests: pip install requests")
    signal, headers = signal_of(options.signal), headers_of(options)
    # Somebody else's session is made now, so that what is wrong with it is said now; and one in each forked process.
    first = [session_of(options, files)] if options.credentials is not None or _provider(options) else []

    def made() -> Any:
        # The session's module as well: a fork waits for this, and not for an import in a request.
        from distrokit_otlp import session  # noqa: F401
        from distrokit_otlp.http_sender import HttpSender

        return HttpSender(
            lambda: first.pop() if first else session_of(options, files),
            options.endpoint,
            headers,
            options.compression,
            signal.response,
        )

    return otlp_exporter(options, signal, LazySender(made), seconds(options), taken=("insecure", "encoding", *_FILES))


def headers_of(options: ExporterOptions) -> dict[str, str]:
    """The headers with the exporter's User-Agent, unless they have one."""
    headers = that_stay(options.headers, options.refresh_headers)
    if options.user_agent and "user-agent" not in {name.lower() for name in headers}:
        headers["User-Agent"] = f"{options.user_agent} OTel-OTLP-Exporter-Python/{exporter_version}"
    return headers


def seconds(options: ExporterOptions) -> float:
    """The timeout of one export in seconds."""
    return options.timeout_millis / 1000 or NO_LIMIT


def session_of(options: ExporterOptions, files: dict[str, str] | None = None) -> Any:
    """The session of a hook or of upstream's credential provider, else our own, with a hook's auth if there is one."""
    from requests.auth import AuthBase

    from distrokit_otlp.session import OTLPSession, refreshing

    session = options.credentials or _provided(options)
    if session is None or isinstance(session, AuthBase):
        session = OTLPSession(options.refresh_headers, session)
    elif options.refresh_headers and session.auth is None:
        session.auth = refreshing(options.refresh_headers)
    files = files or {}
    if files.get("certificate"):
        session.verify = files["certificate"]
    if files.get("client_certificate"):
        key = files.get("client_key")
        session.cert = (files["client_certificate"], key) if key else files["client_certificate"]
    return session


def _provider(options: ExporterOptions) -> str:
    """The name of upstream's credential provider; empty when nobody named one."""
    variable = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_{}CREDENTIAL_PROVIDER"
    names = (variable.format(f"{options.signal.upper()}_"), variable.format(""))
    # It is not for a second destination.
    return next(filter(None, map(options.settings.get, names)), "") if "/" not in options.name else ""


def _provided(options: ExporterOptions) -> Any:
    """The session of upstream's credential provider; ``None`` when nobody named one.

    Raises: ``LookupError`` when there is no provider of that name.
    """
    name = _provider(options)
    if not name:
        return None
    found = list(entry_points(group="opentelemetry_otlp_credential_provider", name=name))
    if not found:
        raise LookupError(f"no package offers the credential provider {name!r}")
    return found[0].load()()
