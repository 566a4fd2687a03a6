"""Detects the protocol that a server speaks at a port: HTTP/1, HTTP/2 or TLS."""

from __future__ import annotations

import socket
import ssl

#: Timeout of each step in seconds.
STEP = 4.0
#: The client's preface of HTTP/2, with an empty SETTINGS frame (RFC 9113, 3.4).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def detect_protocol(host: str, port: int, seconds: float = STEP) -> str:
    """Detect the protocol over plaintext: ``http/2``, ``http/1``, ``tls``; empty when it is unknown."""
    try:
        with socket.create_connection((host, port), seconds) as raw:
            raw.settimeout(min(1.0, seconds))
            raw.sendall(_PREFACE)
            response = raw.recv(64)
    except OSError:
        return ""
    if response[3:4] == b"\4":
        return "http/2"
    if response.startswith((b"HTTP/1", b"HTTP/0", b"<")):
        return "http/1"
    # A TLS alert record: a TLS server's response to plaintext.
    return "tls" if response[:2] == b"\x15\x03" else ""


def detect_protocol_in_tls(host: str, port: int, seconds: float = STEP) -> str:
    """Detect the protocol inside TLS by ALPN: ``http/2``, ``http/1``; empty when it is unknown."""
    try:
        if _negotiate(host, port, "h2", seconds=seconds) == "h2":
            # Many servers speak both; one that does not accept http/1.1 speaks only HTTP/2.
            return "" if _negotiate(host, port, "http/1.1", seconds=seconds) == "http/1.1" else "http/2"
        return "http/1"
    except OSError:
        return ""


def speaks_tls(host: str, port: int, seconds: float = STEP) -> bool:
    """True if a TLS handshake gets as far as a certificate, valid or not."""
    try:
        _negotiate(host, port, seconds=seconds)
    except ssl.SSLError as error:
        return "CERTIFICATE" in (error.reason or "")
    except OSError:
        return False
    return True


def listens(host: str, port: int, seconds: float = STEP) -> bool:
    """True if a connection can be made."""
    try:
        socket.create_connection((host, port), seconds).close()
    except OSError:
        return False
    return True


def _negotiate(host: str, port: int, *protocols: str, seconds: float) -> str | None:
    # The certificate is checked elsewhere; only the protocol matters here.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    try:
        with socket.create_connection((host, port), seconds) as raw, context.wrap_socket(raw) as channel:
            return channel.selected_alpn_protocol()
    except ssl.SSLError as error:
        if "NO_APPLICATION_PROTOCOL" in (error.reason or ""):
            return None
        raise
