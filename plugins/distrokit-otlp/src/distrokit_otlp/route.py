"""The way to a receiver, step by step, without sending anything: name, connection, TLS, and what is spoken there."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlsplit

from distrokit import Check

#: Seconds for each step.
STEP = 4.0
#: A certificate that ends within so many days is worth a word.
_SOON = 14
_CLIENT = "OTEL_EXPORTER_OTLP_CLIENT"
_PORTS = {"http": 80, "https": 443}
#: The client's preface of HTTP/2, with an empty SETTINGS frame (RFC 9113, 3.4).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


@dataclass(frozen=True)
class Route:
    """Where an exporter connects to.

    Attributes:
        host: of the receiver.
        port: of the receiver.
        tls: whether TLS is spoken with it.
        proxy: ``host:port`` in between; empty when there is none.
        setting: the variable that says so, as far as it is known; for remedies.
        files: ``certificate``, ``client_key`` and ``client_certificate``, as far as they are set.
    """

    host: str
    port: int
    tls: bool
    proxy: str
    setting: str
    files: Mapping[str, str]

    @property
    def place(self) -> str:
        """As one writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def next_hop(self) -> tuple[str, int]:
        """Where the connection is made to: the proxy, or the receiver."""
        if not self.proxy:
            return self.host, self.port
        parts = urlsplit(f"//{self.proxy}")
        return parts.hostname or "", parts.port or 80

    def steps(self) -> Iterator[Check]:
        """Name, connection, TLS; ends with the first one that fails."""
        host, port = self.next_hop
        if self.proxy:
            evidence = f"{self.place} is reached through the proxy {self.proxy}"
            yield Check("otlp-proxy", "ok", evidence, f"export NO_PROXY={self.host}  # to go there directly")
        name = self._name(host, port)
        yield name
        if name.verdict == "fail":
            return
        connection = self._connection(host, port)
        yield connection
        if connection.verdict != "fail" and self.tls and not self.proxy:
            yield self._handshake()

    def _name(self, host: str, port: int) -> Check:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            remedy = (
                "Correct NO_PROXY or the proxy's variable." if self.proxy else f"Correct the host in {self.setting}."
            )
            return Check("otlp-name", "fail", f"the name {host} cannot be resolved: {why}", remedy)
        addresses = ", ".join(dict.fromkeys(str(entry[4][0]) for entry in found))
        return Check("otlp-name", "ok", f"{host} is {addresses}")

    def _connection(self, host: str, port: int) -> Check:
        what = f"the proxy {host}:{port}" if self.proxy else self.place
        try:
            socket.create_connection((host, port), STEP).close()
        except TimeoutError:
            evidence = (
                f"{what} does not answer within {STEP:.0f} seconds; a firewall drops the packets, or nothing is there"
            )
            return Check("otlp-connection", "fail", evidence, f"Correct {self.setting}, or let the traffic pass.")
        except ConnectionRefusedError:
            return self._refused(what)
        except OSError as error:
            return Check("otlp-connection", "fail", f"{what}: {error.strerror or error}", f"Correct {self.setting}.")
        return Check("otlp-connection", "ok", f"{what} takes connections")

    def _refused(self, what: str) -> Check:
        evidence = f"nothing listens at {what} (connection refused)"
        other = {4317: 4318, 4318: 4317}.get(self.port)
        if not self.proxy and other and _listens(self.host, other):
            protocol = "http/protobuf" if other == 4318 else "grpc"
            evidence += f", but something does at port {other}, which is where {protocol} goes"
            return Check("otlp-connection", "fail", evidence, f"export OTEL_EXPORTER_OTLP_PROTOCOL={protocol}")
        remedy = f"Start the receiver (`distrokit tail` is one), or correct {self.setting}."
        return Check("otlp-connection", "fail", evidence, remedy)

    # ------------------------------------------------------------------------------ TLS

    def _handshake(self) -> Check:
        try:
            with self._secure() as channel:
                end = (channel.getpeercert() or {}).get("notAfter")
                version = channel.version()
        except ssl.SSLCertVerificationError as error:
            return self._unverified(error)
        except ssl.SSLError as error:
            return self._no_tls(error)
        except OSError as error:
            why = error.strerror or error
            return Check(
                "otlp-tls", "fail", f"{self.place}: the handshake broke off: {why}", f"Correct {self.setting}."
            )
        until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), tz=timezone.utc)
        evidence = f"{self.place}: {version}, its certificate is good until {until:%Y-%m-%d}"
        if (until - datetime.now(tz=timezone.utc)).days < _SOON:
            return Check("otlp-tls", "warn", evidence, "Have the receiver's certificate renewed.")
        return Check("otlp-tls", "ok", evidence)

    def _secure(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.files.get("certificate") or _roots())
        certificate = self.files.get("client_certificate")
        if certificate:
            context.load_cert_chain(certificate, self.files.get("client_key") or None)
        context.set_alpn_protocols(["h2", "http/1.1"])
        raw = socket.create_connection((self.host, self.port), STEP)
        channel = context.wrap_socket(raw, server_hostname=self.host)
        # With TLS 1.3 a server refuses a client without a certificate only after the handshake.
        channel.settimeout(0.3)
        try:
            channel.recv(1)
        except TimeoutError:
            pass
        except OSError:
            channel.close()
            raise
        return channel

    def _unverified(self, error: ssl.SSLCertVerificationError) -> Check:
        evidence = f"{self.place}: its certificate is refused: {error.verify_message}"
        # OpenSSL's numbers, x509_vfy.h: not yet valid, expired; and wrong name, wrong address.
        if error.verify_code in (9, 10):
            remedy = "Have the receiver's certificate renewed; if it is new, look at this machine's clock."
        elif error.verify_code in (62, 64):
            remedy = f"Write a name that is in the certificate into {self.setting}."
        else:
            remedy = "export OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/the/ca.pem"
        return Check("otlp-tls", "fail", evidence, remedy)

    def _no_tls(self, error: ssl.SSLError) -> Check:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        if "certificate required" in reason or "handshake failure" in reason or "bad certificate" in reason:
            evidence = f"{self.place}: it wants a client certificate that it trusts ({reason})"
            remedy = f"export {_CLIENT}_CERTIFICATE=/path/to/client.pem {_CLIENT}_KEY=/path/to/client.key"
            return Check("otlp-tls", "fail", evidence, remedy)
        if spoken(self.host, self.port):
            evidence = f"{self.place} speaks plaintext, and TLS is asked of it"
            return Check("otlp-tls", "fail", evidence, f"export {self.setting}=http://{self.place}")
        remedy = f"Correct {self.setting}, or the certificate files."
        return Check("otlp-tls", "fail", f"{self.place}: no TLS: {reason}", remedy)


def spoken(host: str, port: int) -> str:
    """What a port speaks in plaintext: ``http/2``, ``http/1``, ``tls``; empty when that cannot be told."""
    try:
        with socket.create_connection((host, port), STEP) as raw:
            raw.settimeout(1.0)
            raw.sendall(_PREFACE)
            answer = raw.recv(64)
            if answer[3:4] == b"\4":
                return "http/2"
            # Python's own HTTP server does not answer at all until it gets its line end.
            return "http/1" if answer.startswith((b"HTTP/1", b"HTTP/0", b"<")) else "tls" if _is_tls(answer) else ""
    except OSError:
        return ""


def _roots() -> str:
    """The authorities that the HTTP exporter trusts; grpc has a copy of the same list in itself."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return str(DEFAULT_CA_BUNDLE_PATH)


def _is_tls(answer: bytes) -> bool:
    """A TLS alert record: what a TLS server says to what is none."""
    return answer[:2] == b"\x15\x03"


def speaks_tls(host: str, port: int) -> bool:
    """Whether a TLS handshake gets as far as a certificate, whatever that is worth."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), STEP) as raw, context.wrap_socket(raw):
            return True
    except ssl.SSLError as error:
        return "CERTIFICATE" in (error.reason or "")
    except OSError:
        return False


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), STEP).close()
    except OSError:
        return False
    return True


def proxy_of(url: str, *, grpc: bool) -> str:
    """The proxy between here and a URL, as ``host:port``; empty when there is none.

    Args:
        grpc: grpc reads lower case names only, and its own first; over HTTP it is as requests has it.
    """
    if grpc:
        host = urlsplit(url).hostname or ""
        direct = _first("no_grpc_proxy", "no_proxy")
        if any(
            host == name or host.endswith(f".{name.lstrip('.')}") for name in map(str.strip, direct.split(",")) if name
        ):
            return ""
        found = _first("grpc_proxy", "https_proxy", "http_proxy")
    else:
        from requests.utils import get_environ_proxies, select_proxy

        found = select_proxy(url, get_environ_proxies(url)) or ""
    parts = urlsplit(found if "://" in found else f"//{found}")
    return f"{parts.hostname}:{parts.port or 80}" if parts.hostname else ""


def _first(*names: str) -> str:
    """The first of these variables that is set."""
    return next(filter(None, map(os.environ.get, names)), "")


def default_port(scheme: str) -> int:
    """Of a URL that has none."""
    return _PORTS.get(scheme, 443)
