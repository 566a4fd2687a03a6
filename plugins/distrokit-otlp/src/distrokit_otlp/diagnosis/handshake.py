"""The TLS step of ``distrokit doctor``: checks chain, name, dates, client certificate, and servers without TLS."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from datetime import datetime, timezone

from distrokit import Check
from distrokit_otlp.connection.connector import connect
from distrokit_otlp.connection.target import Address, look_up
from distrokit_otlp.diagnosis.protocol_sniffing import STEP, detect_protocol
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls.loading import load_files
from distrokit_otlp.tls.roots import load_roots

#: Days before the end of a certificate from which on doctor warns.
EXPIRES_SOON = 14
RENEW = "Have the receiver's certificate renewed; if it is new, check this machine's clock."


class Handshake:
    """A TLS handshake with the exporter's certificates.

    Args:
        url: the endpoint.
        host: the name that the certificate must have.
        address: where to connect.
        files: paths of ``certificate``, ``client_key`` and ``client_certificate``; empty when not set.
        remedies: the exporter's settings to change.
        grpc: true for grpc, which has its own CA certificates and its own variable for others.
        place: the address in messages.
        seconds: the timeout of each step.
    """

    def __init__(
        self,
        url: str,
        host: str,
        address: Address,
        files: Mapping[str, str],
        remedies: Remedies,
        *,
        grpc: bool,
        place: str,
        seconds: float = STEP,
    ) -> None:
        self._seconds, self._place = seconds, place
        self._url, self._host, self._address = url, host, address
        self._files, self._remedies, self._grpc = files, remedies, grpc

    def check(self) -> Check:
        """Return the check of one handshake."""
        try:
            context = self._context()
        except OSError as error:
            evidence = f"{self._place}: the CA certificates cannot be read: {error}"
            return Check("otlp-tls", "fail", evidence, self._remedies.change("certificate", "/path/to/the/ca.pem"))
        try:
            with self._connect(context) as channel:
                end = (channel.getpeercert() or {}).get("notAfter")
                version = channel.version()
        except ssl.SSLCertVerificationError as error:
            return self._explain_verification(error)
        except ssl.SSLError as error:
            return self._explain_failure(error)
        except OSError as error:
            why = error.strerror or error
            remedy = f"Correct {self._remedies.place('endpoint')}."
            return Check("otlp-tls", "fail", f"{self._place}: the TLS handshake failed: {why}", remedy)
        until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), tz=timezone.utc)
        evidence = f"{self._place}: {version}, its certificate is valid until {until:%Y-%m-%d}"
        if (until - datetime.now(tz=timezone.utc)).days < EXPIRES_SOON:
            return Check("otlp-tls", "warn", evidence, "Have the receiver's certificate renewed.")
        return Check("otlp-tls", "ok", evidence)

    def _context(self) -> ssl.SSLContext:
        _, context = load_files(self._files)
        if not self._files["certificate"]:
            load_roots(context, os.environ, grpc=self._grpc)
        # A wrong protocol is detected with the response to the test item.
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def _connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        raw = connect(next(iter(look_up(self._address))), self._seconds)
        try:
            channel = context.wrap_socket(raw, server_hostname=self._host.partition("%")[0].rstrip("."))
        except BaseException:
            raw.close()
            raise
        # With TLS 1.3 a server rejects a client without a certificate only after the handshake.
        channel.settimeout(min(0.3, self._seconds))
        try:
            if not channel.recv(1):
                # grpc's server closes the connection without an alert.
                raise ssl.SSLError(1, "closed after the handshake: certificate required")
        except TimeoutError:
            pass
        except OSError:
            channel.close()
            raise
        return channel

    def _explain_verification(self, error: ssl.SSLCertVerificationError) -> Check:
        evidence = f"{self._place}: its certificate is not accepted: {error.verify_message}"
        # OpenSSL's codes (x509_vfy.h): 9 not yet valid, 10 expired; 62 wrong name, 64 wrong address.
        if error.verify_code in (9, 10):
            remedy = RENEW
        elif error.verify_code in (62, 64):
            remedy = name_remedy(self._remedies)
        else:
            remedy = trust_remedy(self._remedies)
        return Check("otlp-tls", "fail", evidence, remedy)

    def _explain_failure(self, error: ssl.SSLError) -> Check:
        reason = (getattr(error, "reason", None) or str(error.args[-1])).replace("_", " ").lower()
        if (
            "certificate required" in reason
            or "handshake failure" in reason
            or "bad certificate" in reason
            or "unknown ca" in reason
        ):
            text, remedy = client_certificate_finding(self._remedies)
            return Check("otlp-tls", "fail", f"{self._place} {text} ({reason})", remedy)
        if detect_protocol(self._address.host, self._address.port, self._seconds) in ("http/1", "http/2"):
            text, remedy = plaintext_finding(self._url, self._remedies)
            return Check("otlp-tls", "fail", f"{self._place} {text}", remedy)
        remedy = f"Correct {self._remedies.place('endpoint')}, or the certificate files."
        return Check("otlp-tls", "fail", f"{self._place}: the TLS handshake failed: {reason}", remedy)


def plaintext_finding(url: str, remedies: Remedies) -> tuple[str, str]:
    """Return evidence and remedy for a receiver without TLS."""
    return "speaks plaintext, and TLS was sent", remedies.scheme(url, "http")


def client_certificate_finding(remedies: Remedies) -> tuple[str, str]:
    """Return evidence and remedy for a receiver that rejects the client's certificate, or a client without one."""
    first = remedies.change("client_certificate", "/path/to/client.pem")
    second = remedies.change("client_key", "/path/to/client.key").removeprefix("export ")
    return "requires a client certificate that it trusts", f"{first} {second}"


def trust_remedy(remedies: Remedies) -> str:
    """Return the remedy for a certificate of an unknown authority."""
    return remedies.change("certificate", "/path/to/the/ca.pem")


def name_remedy(remedies: Remedies) -> str:
    """Return the remedy for a certificate for another name."""
    return f"Write a name that is in the certificate into {remedies.place('endpoint')}."
