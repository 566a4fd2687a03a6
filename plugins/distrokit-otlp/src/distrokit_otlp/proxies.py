"""Finds the proxy between this process and a receiver, as each transport does."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

#: grpc reads only lower-case names, its own first (grpc, *Environment variables*).
_GRPC = ("grpc_proxy", "https_proxy", "http_proxy")
_GRPC_EXCEPT = ("no_grpc_proxy", "no_proxy")


def find_proxy(url: str, *, grpc: bool) -> str:
    """Return the proxy's ``host:port``; empty for a direct connection.

    Raises: ``ValueError`` for a proxy variable without host and port.
    """
    found = _find_grpc_proxy(url) if grpc else _find_requests_proxy(url)
    if not found:
        return ""
    try:
        parts = urlsplit(found if "://" in found else f"//{found}")
        return f"{parts.hostname}:{parts.port or 80}" if parts.hostname else ""
    except ValueError as error:
        raise ValueError(f"the proxy variable (http_proxy, https_proxy) has no host and port: {error}") from error


def proxy_variable(url: str, *, grpc: bool) -> str:
    """Return the variable that names the proxy for this URL, for remedies."""
    if grpc:
        return next((name for name in _GRPC if os.environ.get(name)), "https_proxy")
    scheme = urlsplit(url).scheme or "http"
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), names[0])


def bypass_line(host: str, *, grpc: bool) -> str:
    """Return the line that bypasses the proxy for this host, and keeps earlier exceptions."""
    names = _GRPC_EXCEPT if grpc else ("no_proxy", "NO_PROXY")
    name = next((name for name in names if os.environ.get(name)), "no_proxy")
    return f'export {name}="${{{name}:+${name},}}{host}"  # to go there directly'


def _find_requests_proxy(url: str) -> str:
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url, get_environ_proxies(url)) or ""


def _find_grpc_proxy(url: str) -> str:
    host = (urlsplit(url if "://" in url else f"//{url}").hostname or "").lower()
    found = next(filter(None, map(os.environ.get, _GRPC)), "")
    # grpc supports only http:// proxies.
    if not found.lower().startswith("http://") or any(_is_excepted(host, entry) for entry in _read_exceptions()):
        return ""
    return found


def _read_exceptions() -> list[str]:
    text = next(filter(None, map(os.environ.get, _GRPC_EXCEPT)), "")
    return [entry.strip().lower() for entry in text.split(",") if entry.strip()]


def _is_excepted(host: str, entry: str) -> bool:
    if "/" in entry:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    entry = entry.lstrip(".")
    return host == entry or host.endswith(f".{entry}")
