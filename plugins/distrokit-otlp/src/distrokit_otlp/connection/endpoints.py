"""Parses endpoints: URLs, and names that grpc resolves by itself (grpc, *gRPC Name Resolution*).

Standard library only: this also runs while the plan is made.
"""

from __future__ import annotations

import base64
import ipaddress
from urllib.parse import unquote, urlsplit

#: grpc's own schemes, such as ``dns:host:4317`` and ``unix:/run/otel.sock``; HTTP takes them, too.
_LOCAL = ("unix", "unix-abstract", "vsock")
_OF_GRPC = ("dns", "ipv4", "ipv6", "xds", *_LOCAL)
#: grpc's default port.
_PORT = 443


def scheme_of(endpoint: str) -> str:
    """Return the scheme in lower case; empty for ``host:port``."""
    head = endpoint.partition(":")[0].lower()
    return head if "://" in endpoint or head in _OF_GRPC else ""


def is_grpc_target(endpoint: str) -> bool:
    """True if an endpoint has one of grpc's own schemes."""
    return scheme_of(endpoint) in _OF_GRPC


def is_for_grpcio(endpoint: str) -> bool:
    """True if only grpcio can resolve an endpoint."""
    return scheme_of(endpoint) in ("xds", "vsock")


def is_local_socket(endpoint: str) -> bool:
    """True if an endpoint is a socket of this machine, which needs no TLS."""
    return scheme_of(endpoint) in _LOCAL


def check_grpc_target(endpoint: str) -> None:
    """Raise ``ValueError`` for an endpoint that grpc would reject with each request."""
    scheme, _, rest = endpoint.partition(":")
    rest = rest.lstrip("/")
    if any(character.isspace() for character in endpoint):
        raise ValueError("it contains a space")
    if not rest:
        raise ValueError(f"a name is missing after {scheme}:")
    if scheme.lower() in ("dns", "ipv4", "ipv6"):
        for address in rest.rpartition("/")[2].split(","):
            _check_port(address)
    if scheme.lower() == "dns" and "," in rest:
        raise ValueError("dns: takes one name; ipv4: and ipv6: take several addresses")
    if scheme.lower() in ("ipv4", "ipv6"):
        version = int(scheme[-1])
        for address in rest.split(","):
            if ipaddress.ip_address(_host_and_port(address)[0]).version != version:
                raise ValueError(f"{address} is not an address of IP version {version}")


def grpc_target(endpoint: str) -> str:
    """Return the target of a grpc channel: without scheme and user, unless it is grpc's own form."""
    if is_grpc_target(endpoint):
        return endpoint
    return (urlsplit(endpoint).netloc if "://" in endpoint else endpoint).rpartition("@")[2] or endpoint


def _check_port(address: str) -> None:
    """Raise ``ValueError`` for a number that is no port; a service's name is one."""
    if address.count(":") > 1 and not address.startswith("["):
        return
    port = address.rpartition("]")[2].rpartition(":")[2] if ":" in address.rpartition("]")[2] else ""
    if port.isdecimal() and not 0 < int(port) < 65_536:
        raise ValueError(f"{port} is not a port")


def local_path(endpoint: str) -> str:
    """Return the path of a Unix socket, with a leading null byte for an abstract one; empty for other endpoints."""
    scheme, _, rest = endpoint.partition(":")
    if scheme.lower() == "unix":
        return "/" + rest.lstrip("/") if rest.startswith("//") else rest
    return f"\0{rest}" if scheme.lower() == "unix-abstract" else ""


def listed_hosts(endpoint: str, default_port: int = _PORT) -> list[tuple[str, int]]:
    """Return the hosts and ports of an endpoint: one, or several in grpc's forms; none for a local socket."""
    scheme = scheme_of(endpoint)
    if scheme in ("dns", "ipv4", "ipv6"):
        names = endpoint.rpartition("/")[2] if "/" in endpoint else endpoint.partition(":")[2]
        listed = names.split(",") if scheme != "dns" else [names]
        return [_host_and_port(name, default_port) for name in listed]
    if scheme in _OF_GRPC:
        return []
    parts = urlsplit(endpoint if scheme else f"//{endpoint}")
    # The interface of a link-local address is percent-encoded (RFC 6874).
    return [(unquote(parts.hostname or ""), parts.port or default_port)]


def host_and_port(endpoint: str, *, grpc: bool) -> tuple[str, int] | None:
    """Return the first host and port; ``None`` for a local socket, and names that only grpcio can resolve."""
    default_port = 80 if scheme_of(endpoint) == "http" and not grpc else _PORT
    return next(iter(listed_hosts(endpoint, default_port)), None)


def basic_authorization(url: str) -> str:
    """Return the ``Authorization`` for the user and password of a URL; empty without a password, as in requests."""
    parts = urlsplit(url)
    if "://" not in url or parts.username is None or parts.password is None or not parts.username + parts.password:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password)}"
    try:
        data = pair.encode("latin-1")
    except UnicodeEncodeError:
        data = pair.encode()
    return f"Basic {base64.b64encode(data).decode()}"


def remove_user(url: str) -> str:
    """Return a URL without its user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _host_and_port(text: str, default_port: int = _PORT) -> tuple[str, int]:
    # An IPv6 address without brackets has no port.
    if text.count(":") > 1 and not text.startswith("["):
        return text, default_port
    parts = urlsplit(f"//{text}")
    try:
        return parts.hostname or "", parts.port or default_port
    except ValueError:
        # The port may be a service name, which is not resolved here.
        return parts.hostname or "", default_port
