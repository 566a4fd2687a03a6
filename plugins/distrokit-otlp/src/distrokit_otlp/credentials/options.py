"""The headers of an exporter's requests, from its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from distrokit import ExporterOptions
from distrokit_otlp.connection.endpoints import basic_authorization
from distrokit_otlp.credentials.files import FILES
from distrokit_otlp.credentials.header_rules import HeaderFilter
from distrokit_otlp.credentials.live_headers import LiveHeaders, exclude_refreshed
from distrokit_otlp.remedies import Remedies


def live_headers(options: ExporterOptions, user_agent: Mapping[str, str], *, grpc: bool) -> LiveHeaders:
    """Return the headers: fixed ones, then those of a file, of a token's file, and of a plugin.

    The endpoint's user and password override a fixed header, as with upstream's exporter.

    Args:
        user_agent: the exporter's own, unless the headers have one.
    """
    header_filter = HeaderFilter(f"{options.name} {options.signal}", grpc=grpc)
    fixed = {**user_agent, **header_filter({name.lower(): value for name, value in options.headers.items()})}
    if credentials := basic_authorization(options.endpoint):
        fixed["authorization"] = credentials
    fixed = exclude_refreshed(fixed, options.refresh_headers)
    remedies = Remedies.of(options)
    sources: list[Callable[[], Mapping[str, str]]] = []
    for parameter, kind in FILES.items():
        if path := str(options.arguments.get(parameter) or ""):
            sources.append(kind(path, remedies.place(parameter)))
    if options.refresh_headers is not None:
        sources.append(options.refresh_headers)
    return LiveHeaders(fixed, sources, header_filter)


def credentials_parameter(options: ExporterOptions) -> str:
    """Return the parameter that gives the credentials: the last one of those that are set wins."""
    return next((name for name in reversed(FILES) if options.arguments.get(name)), "headers")
