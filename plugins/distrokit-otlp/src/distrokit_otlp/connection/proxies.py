"""Finds the proxy between this process and a receiver, by the variables of each transport."""

from __future__ import annotations

import base64
import ipaddress
import os
from urllib.parse import unquote, urlsplit

#: grpc reads only lower-case names, its own first (grpc, *Environment variables*).
_GRPC = ("grpc_proxy", "https_proxy", "http_proxy")
_GRPC_EXCEPT = ("no_grpc_proxy", "no_proxy")
_HTTP_EXCEPT = ("no_proxy", "NO_PROXY")
_PORTS = {"https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


class Proxy:
    """A proxy.

    Args:
        scheme: ``http``, ``https``, or a version of SOCKS such as ``socks5h``; also an attribute, as are all.
        host: its host.
        port: its port.
        user: its user; empty without one.
        password: of the user.
    """

    # Not a dataclass: making one takes longer than all else in this module, and repr() must not have the password.
    def __init__(self, scheme: str, host: str, port: int, user: str = "", password: str = "") -> None:
        self.scheme, self.host, self.port, self.user, self.password = scheme, host, port, user, password

    @property
    def place(self) -> str:
        """The proxy's ``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the proxy itself."""
        if not self.user:
            return {}
        pair = f"{self.user}:{self.password}".encode()
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def proxy_for(scheme: str, host: str, port: int, *, grpc: bool) -> Proxy | None:
    """Return the proxy to a receiver; ``None`` for a direct connection.

    Args:
        scheme: ``http`` or ``https``.
        host: the receiver's host.
        port: the receiver's port.
        grpc: true for grpc's variables, false for those of HTTP clients.

    Raises: ``ValueError`` for a proxy variable without host and port.
    """
    found = _first(_GRPC if grpc else _http_names(scheme))
    # grpc supports only http:// proxies.
    if not found or (grpc and not found.lower().startswith("http://")):
        return None
    exceptions = _first(_GRPC_EXCEPT if grpc else _HTTP_EXCEPT)
    if any(_is_excepted(host.lower(), port, entry.strip().lower()) for entry in exceptions.split(",")):
        return None
    try:
        parts = urlsplit(found if "://" in found else f"http://{found}")
        port_found = parts.port or _PORTS.get(parts.scheme, 80)
    except ValueError as error:
        raise ValueError(f"the proxy variable (http_proxy, https_proxy) has no host and port: {error}") from error
    if not parts.hostname:
        return None
    return Proxy(parts.scheme, parts.hostname, port_found, unquote(parts.username or ""), unquote(parts.password or ""))


def find_proxy(url: str, *, grpc: bool) -> str:
    """Return the ``host:port`` of the proxy to a URL; empty for a direct connection.

    Raises: ``ValueError`` for a proxy variable without host and port.
    """
    parts = urlsplit(url if "://" in url else f"//{url}")
    port = parts.port or (443 if parts.scheme == "https" or grpc else 80)
    proxy = proxy_for(parts.scheme or "http", parts.hostname or "", port, grpc=grpc)
    return proxy.place if proxy else ""


def proxy_variable(url: str, *, grpc: bool) -> str:
    """Return the variable that names the proxy for this URL, for remedies."""
    if grpc:
        return next((name for name in _GRPC if os.environ.get(name)), "https_proxy")
    names = _http_names(urlsplit(url).scheme or "http")
    return next((name for name in names if os.environ.get(name)), names[0])


def bypass_line(host: str, *, grpc: bool) -> str:
    """Return the line that bypasses the proxy for this host, and keeps earlier exceptions."""
    names = _GRPC_EXCEPT if grpc else _HTTP_EXCEPT
    name = next((name for name in names if os.environ.get(name)), "no_proxy")
    return f'export {name}="${{{name}:+${name},}}{host}"  # to go there directly'


def _http_names(scheme: str) -> tuple[str, ...]:
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    # In a CGI program, a client sets HTTP_PROXY by its header "Proxy".
    return tuple(name for name in names if name != "HTTP_PROXY" or "REQUEST_METHOD" not in os.environ)


def _first(names: tuple[str, ...]) -> str:
    return next(filter(None, map(os.environ.get, names)), "").strip()


def _is_excepted(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    if entry.endswith(f":{port}") and (entry.count(":") == 1 or entry.startswith("[")):
        entry = entry.removesuffix(f":{port}")
    entry = entry.strip("[]")
    entry = entry.removeprefix("*").lstrip(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))
