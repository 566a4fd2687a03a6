"""Checks the way to a receiver step by step, without sending anything: proxy, name, each address, TLS at each."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from distrokit import Check, ExporterOptions
from distrokit_otlp.connection.connector import connect
from distrokit_otlp.connection.endpoints import is_for_grpcio, is_local_socket
from distrokit_otlp.connection.options import target_for
from distrokit_otlp.connection.proxies import Proxy, bypass_line, proxy_for, proxy_variable
from distrokit_otlp.connection.target import Address, Target, look_up
from distrokit_otlp.diagnosis.handshake import Handshake
from distrokit_otlp.diagnosis.protocol_sniffing import STEP, listens
from distrokit_otlp.remedies import Remedies

#: The number of addresses that are tried.
_MOST = 10


@dataclass(frozen=True)
class Route:
    """The way from an exporter to its receiver.

    Attributes:
        url: the endpoint.
        target: the receiver.
        grpc: true for grpc, false for HTTP.
        proxy: the proxy; ``None`` for a direct connection.
        remedies: the exporter's settings to change.
        files: paths of ``certificate``, ``client_key`` and ``client_certificate``; empty when not set.
    """

    url: str
    target: Target
    grpc: bool
    proxy: Proxy | None
    remedies: Remedies
    files: Mapping[str, str]

    @classmethod
    def of(cls, options: ExporterOptions, remedies: Remedies, files: Mapping[str, str]) -> Route | None:
        """Return the route of an exporter; ``None`` for a Unix socket, and for a name that only grpcio resolves.

        Raises: ``ValueError`` for a proxy variable without host and port.
        """
        url = options.endpoint
        if is_local_socket(url) or is_for_grpcio(url):
            return None
        target, grpc = target_for(options), options.arguments.get("protocol") == "grpc"
        first = target.listed[0]
        proxy = proxy_for("https" if target.tls else "http", first.host, first.port, grpc=grpc)
        return cls(url, target, grpc, proxy, remedies, files)

    @property
    def host(self) -> str:
        """The host of the first address."""
        return self.target.listed[0].host

    @property
    def port(self) -> int:
        """The port of the first address."""
        return self.target.listed[0].port

    @property
    def tls(self) -> bool:
        """True when the connection uses TLS."""
        return self.target.tls

    @property
    def place(self) -> str:
        """The receiver's ``host:port``."""
        return self.target.place

    @property
    def proxy_hint(self) -> str:
        """A note that the proxy may have caused a failure; empty without one."""
        return f" (the proxy {self.proxy.place} may have answered)" if self.proxy else ""

    def steps(self) -> Iterator[Check]:
        """Yield the check of each step, up to the first that fails at every address."""
        if self.proxy:
            evidence = f"{self.place} is reached through the proxy {self.proxy.place}"
            yield Check("otlp-proxy", "ok", evidence, bypass_line(self.host, grpc=self.grpc))
            places = [Address(self.proxy.host, self.proxy.port)]
        else:
            places = list(self.target.listed)
        found: list[Address] = []
        for address in places:
            check, resolved = self._resolve(address)
            yield check
            if check.verdict == "fail":
                return
            found += resolved
        accepting: list[Address] = []
        yield from self._connections(places, found, accepting)
        if not accepting:
            return
        if self.tls and not self.proxy:
            yield from self._handshakes(accepting)

    def handshake(self, seconds: float) -> Check:
        """Check one TLS handshake with the exporter's certificates."""
        return self._handshake(self.target.listed[0], self.target.listed[0].place, seconds)

    def _handshake(self, address: Address, place: str, seconds: float) -> Check:
        name = self.target.host_of(address)
        return Handshake(
            self.url, name, address, self.files, self.remedies, grpc=self.grpc, place=place, seconds=seconds
        ).check()

    def _handshakes(self, accepting: list[Address]) -> Iterator[Check]:
        """Yield one check for each address; for a single one it names the endpoint."""
        single = len(accepting) == 1 and not self.target.is_list
        for address in accepting:
            yield self._handshake(address, self.place if single else address.place, STEP)

    @property
    def _remedy(self) -> str:
        """The remedy for a wrong host or port."""
        if self.proxy:
            name = proxy_variable(self.url, grpc=self.grpc)
            return f"Start the proxy, correct {name}, or unset it."
        return f"Correct {self.remedies.place('endpoint')}."

    def _resolve(self, address: Address) -> tuple[Check, list[Address]]:
        host = address.host
        try:
            found = list(dict.fromkeys(look_up(address)))
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return Check("otlp-name", "fail", f"the name {host} cannot be resolved: {why}", self._remedy), []
        addresses = ", ".join(one.host for one in found)
        return Check("otlp-name", "ok", f"{host} resolves to {addresses}"), found

    def _connections(self, places: list[Address], found: list[Address], accepting: list[Address]) -> Iterator[Check]:
        """Yield the checks of the connections to each address, and collect those that accept."""
        # One of the two versions of the loopback address often refuses.
        as_one = len(found) == 1 or (not self.target.is_list and all(map(_is_loopback, found)))
        what = f"the proxy {places[0].place}" if self.proxy else self.place
        checks: list[Check] = []
        for address in found[:_MOST]:
            checks.append(self._connection(address, what if as_one else address.place))
            if checks[-1].verdict == "ok":
                accepting.append(address)
        if as_one:
            del accepting[1:]
            yield next((check for check in checks if check.verdict == "ok"), checks[0])
            return
        for check in checks:
            if check.verdict == "fail" and accepting:
                yield Check(check.id, "warn", f"{check.evidence}; requests go to the others", check.remedy)
            else:
                yield check

    def _connection(self, address: Address, what: str) -> Check:
        try:
            connect(address, STEP).close()
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


def _is_loopback(address: Address) -> bool:
    return ipaddress.ip_address(address.host.partition("%")[0]).is_loopback
