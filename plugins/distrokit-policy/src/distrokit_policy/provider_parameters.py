"""Reads the parameters of the providers, and makes them; imports each when it is needed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from distrokit import BuildContext, Reader, Value
from distrokit_policy.settings import (
    CACHE,
    CERTIFICATE,
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    FILE,
    HEADERS,
    INTERVAL,
    OPAMP,
    TIMEOUT,
    URL,
)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def file_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read ``path``."""
    return {"path": reader.text(FILE)}


def make_file_provider(context: BuildContext) -> Any:
    """Return the provider of a file or folder."""
    from distrokit_policy.providers.files import FileProvider

    return FileProvider(context.arguments["path"])


def _connection_parameters(reader: Reader) -> dict[str, Value[Any]]:
    return {
        "headers": reader.parsed(HEADERS, _parse_headers, {}, secret=True),
        "interval_millis": reader.integer(INTERVAL, 30_000, minimum=1000),
        "timeout_millis": reader.integer(TIMEOUT, 10_000, minimum=1),
        "certificate": reader.text(CERTIFICATE),
        "client_certificate": reader.text(CLIENT_CERTIFICATE),
        "client_key": reader.text(CLIENT_KEY),
    }


def http_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the parameters of requests, and ``cache``, a folder."""
    url: Value[str] = reader.parsed(URL, _parse_url, "")
    if not url.value:
        reader.refuse(f"{URL} is no address", f"Set {URL} to an address that begins with https://.")
    return {"url": url, **_connection_parameters(reader), "cache": reader.text(CACHE)}


def opamp_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the parameters of requests."""
    url: Value[str] = reader.parsed(OPAMP, _parse_url, "")
    if not url.value:
        reader.refuse(f"{OPAMP} is no address", f"Set {OPAMP} to an address that begins with https://.")
    return {"url": url, **_connection_parameters(reader)}


def _parse_url(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        has_credentials = parts.username is not None
    except ValueError:
        valid = has_credentials = False
    if has_credentials:
        raise ValueError("credentials stand in DISTROKIT_POLICY_HEADERS, and not in an address")
    if not valid:
        raise ValueError("an address begins with http:// or https://, and has a host")
    return text.strip()


def _parse_headers(text: str) -> dict[str, str]:
    headers = {}
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, equals, value = item.partition("=")
        name, value = unquote(name.strip()), unquote(value.strip())
        if not equals or not _HEADER_NAME.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError("headers are name=value,name=value with special characters percent-encoded")
        headers[name] = value
    return headers


def _make_request(context: BuildContext) -> Any:
    from distrokit_policy.providers.http import Request

    arguments = context.arguments
    return Request(
        arguments["url"],
        arguments["headers"],
        arguments["timeout_millis"] / 1000,
        arguments["certificate"],
        arguments["client_certificate"],
        arguments["client_key"],
    )


def make_http_provider(context: BuildContext) -> Any:
    """Return the provider that polls an address."""
    from distrokit_policy.providers.cache import PolicyCache
    from distrokit_policy.providers.http import HTTPProvider

    arguments = context.arguments
    cache = PolicyCache(arguments["cache"], arguments["url"])
    return HTTPProvider(_make_request(context), arguments["interval_millis"] / 1000, cache)


def make_opamp_provider(context: BuildContext) -> Any:
    """Return the provider that an OpAMP server feeds.

    Raises:
        ImportError: its client is not installed.
    """
    import importlib.util

    if importlib.util.find_spec("opentelemetry._opamp") is None:
        raise ImportError("opentelemetry-opamp-client is not installed; install distrokit-policy[opamp]")
    from distrokit_policy.providers.opamp import OpAMPProvider

    known = context.arguments["resource_attributes"]
    keys = ("service.name", "service.namespace", "service.version")
    attributes = {"service.name": "unknown_service", **{key: str(known[key]) for key in keys if key in known}}
    return OpAMPProvider(_make_request(context), context.arguments["interval_millis"] / 1000, attributes)
