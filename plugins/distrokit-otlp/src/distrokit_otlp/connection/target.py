"""The receiver that an endpoint names: its addresses, and the names to ask it by."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from distrokit_otlp.connection.endpoints import listed_hosts, local_path, scheme_of
from distrokit_otlp.connection.randomness import shuffled


@dataclass(frozen=True)
class Address:
    """Where to connect.

    Attributes:
        host: a name or a number; for a Unix socket its path, with a leading null byte for an abstract one.
        port: 0 for a Unix socket.
        scope: of a link-local address of IPv6, the number of the network interface; else 0.
    """

    host: str
    port: int
    scope: int = 0

    @property
    def place(self) -> str:
        """The address in messages: ``host:port``, or the path."""
        if not self.port:
            return f"unix:{self.host}".replace("\0", "@")
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_number(self) -> bool:
        """True if there is nothing to resolve; the name of a network interface must be."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return not self.port
        return "%" not in self.host


@dataclass(frozen=True)
class Target:
    """The receiver that an endpoint names.

    Attributes:
        place: the receiver in messages: ``host:port``.
        listed: the addresses of the endpoint: one name or number, or several numbers.
        tls: true when connections use TLS.
        path: of HTTP requests.
    """

    place: str
    listed: tuple[Address, ...]
    tls: bool
    path: str = "/"

    @property
    def is_list(self) -> bool:
        """True if the endpoint itself lists several addresses."""
        return len(self.listed) > 1

    @property
    def is_local(self) -> bool:
        """True for a Unix socket."""
        return not self.listed[0].port

    def host_of(self, address: Address) -> str:
        """Return the name or number that the certificate of this address must have."""
        if self.is_local:
            return "localhost"
        return address.host if self.is_list else self.listed[0].host

    def authority(self, address: Address) -> str:
        """Return the ``Host`` header, or ``:authority``, of requests to this address (RFC 9110, 7.2)."""
        if self.is_local:
            return "localhost"
        own = address if self.is_list else self.listed[0]
        host = own.place.partition("%")[0] + "]" if "%" in own.host else own.place.removesuffix(f":{own.port}")
        return host if own.port == (443 if self.tls else 80) else f"{host}:{own.port}"


def spread(addresses: Iterable[Address]) -> list[Address]:
    """Return the addresses of one IP version in a random order, those of the first one first."""
    unique = list(dict.fromkeys(addresses))
    versions = dict.fromkeys(":" in address.host for address in unique)
    return [
        address for version in versions for address in shuffled([one for one in unique if (":" in one.host) == version])
    ]


def look_up(address: Address) -> list[Address]:
    """Return the addresses of a name, as the system orders them. Raises ``OSError`` or ``UnicodeError``."""
    # As bytes: for text Python imports a codec, and a fork in the middle of that import breaks it in the child.
    host = address.host.encode() if address.host.isascii() else address.host
    found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
    return [
        replace(address, host=str(where[0]).partition("%")[0], scope=int(where[3]) if len(where) > 3 else 0)
        for _, _, _, _, where in found
    ]


def target_of(endpoint: str, *, tls: bool, default_port: int = 443, path: str = "/") -> Target:
    """Return the receiver that an endpoint names.

    Args:
        endpoint: a URL, ``host:port``, or a name in one of grpc's forms; checked before.
        tls: true when connections use TLS.
        default_port: of an endpoint without a port.
        path: of HTTP requests, for an endpoint that is not a URL.
    """
    local = local_path(endpoint)
    if local:
        return Target(endpoint, (Address(local, 0),), tls, path)
    listed = tuple(Address(host, port) for host, port in listed_hosts(endpoint, default_port))
    place = ",".join(address.place for address in listed)
    if scheme_of(endpoint) in ("http", "https"):
        parts = urlsplit(endpoint)
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return Target(place, listed, tls, path)
