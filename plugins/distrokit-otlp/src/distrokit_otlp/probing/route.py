"""Checks the way to a receiver step by step, without sending anything: proxy, name, connection, TLS."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from distrokit import Check
from distrokit_otlp.connection.endpoints import host_and_port, is_grpc_target, scheme_of
from distrokit_otlp.connection.proxies import bypass_line, find_proxy, proxy_variable
from distrokit_otlp.probing.handshake import Handshake
from distrokit_otlp.probing.protocol_sniffing import STEP, listens
from distrokit_otlp.remedies import Remedies


@dataclass(frozen=True)
class Route:
    """The way from an exporter to its receiver.

    Attributes:
        url: the endpoint.
        host: the receiver's host.
        port: the receiver's port.
        tls: true when the connection uses TLS.
        grpc: true for grpc, false for HTTP.
        proxy: the proxy's ``host:port``; empty for a direct connection.
        remedies: the exporter's settings to change.
        files: paths of ``certificate``, ``client_key`` and ``client_certificate`` that are set.
    """

    url: str
    host: str
    port: int
    tls: bool
    grpc: bool
    proxy: str
    remedies: Remedies
    files: Mapping[str, str]

    @classmethod
    def to(cls, url: str, remedies: Remedies, files: Mapping[str, str], *, grpc: bool, insecure: bool) -> Route | None:
        """Return the route to an endpoint; ``None`` for an endpoint without host and port, such as a Unix socket.

        Raises: ``ValueError`` for a proxy variable without host and port.
        """
        found = host_and_port(url, grpc=grpc)
        if found is None:
            return None
        host, port = found
        tls = not insecure if grpc else scheme_of(url) == "https"
        named = f"//[{host}]:{port}" if ":" in host else f"//{host}:{port}"
        proxy = find_proxy(named if is_grpc_target(url) else url, grpc=grpc)
        return cls(url, host, port, tls, grpc, proxy, remedies, files)

    @property
    def place(self) -> str:
        """The receiver's ``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def proxy_hint(self) -> str:
        """A note that the proxy may have caused a failure; empty without one."""
        return f" (the proxy {self.proxy} may have answered)" if self.proxy else ""

    def steps(self) -> Iterator[Check]:
        """Yield the check of each step, up to the first that fails."""
        host, port = self.host, self.port
        if self.proxy:
            parts = urlsplit(f"//{self.proxy}")
            host, port = parts.hostname or "", parts.port or 80
            evidence = f"{self.place} is reached through the proxy {self.proxy}"
            yield Check("otlp-proxy", "ok", evidence, bypass_line(self.host, grpc=self.grpc))
        for step in (self._name, self._connection):
            check = step(host, port)
            yield check
            if check.verdict == "fail":
                return
        if self.tls and not self.proxy:
            yield self.handshake(STEP)

    def handshake(self, seconds: float) -> Check:
        """Check one TLS handshake with the exporter's certificates."""
        return Handshake(
            self.url, self.host, self.port, self.files, self.remedies, grpc=self.grpc, seconds=seconds
        ).check()

    @property
    def _remedy(self) -> str:
        """The remedy for a wrong host or port."""
        if self.proxy:
            name = proxy_variable(self.url, grpc=self.grpc)
            return f"Start the proxy, correct {name}, or unset it."
        return f"Correct {self.remedies.place('endpoint')}."

    def _name(self, host: str, port: int) -> Check:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return Check("otlp-name", "fail", f"the name {host} cannot be resolved: {why}", self._remedy)
        addresses = ", ".join(dict.fromkeys(str(entry[4][0]) for entry in found))
        return Check("otlp-name", "ok", f"{host} resolves to {addresses}")

    def _connection(self, host: str, port: int) -> Check:
        what = f"the proxy {host}:{port}" if self.proxy else self.place
        try:
            socket.create_connection((host, port), STEP).close()
        except TimeoutError:
            evidence = (
                f"{what} does not answer within {STEP:.0f} seconds: a firewall drops packets, or the host is down"
            )
            return Check("otlp-connection", "fail", evidence, self._remedy)
        except ConnectionRefusedError:
            return self._refused(what)
        except OSError as error:
            return Check("otlp-connection", "fail", f"{what}: {error.strerror or error}", self._remedy)
        return Check("otlp-connection", "ok", f"{what} accepts connections")

    def _refused(self, what: str) -> Check:
        evidence = f"nothing listens at {what} (connection refused)"
        other = {4317: 4318, 4318: 4317}.get(self.port)
        if self.proxy:
            return Check("otlp-connection", "fail", evidence, self._remedy)
        if other and listens(self.host, other):
            protocol = "http/protobuf" if other == 4318 else "grpc"
            evidence += f", but something listens at port {other}, the default port of {protocol}"
        remedy = f"Start the receiver (`distrokit tail` is one), or correct {self.remedies.place('endpoint')}."
        return Check("otlp-connection", "fail", evidence, remedy)
