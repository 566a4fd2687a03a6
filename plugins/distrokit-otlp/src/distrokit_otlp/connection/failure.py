"""A connection that could not be made."""

from __future__ import annotations

import re
import ssl

#: What OpenSSL reports when another attempt with the same files is of no use. An alert such as "internal error" is not
#: among them.
_FINAL = re.compile(
    r"certificate|hostname|unknown.ca|(?:wrong|protocol).version|handshake.failure|access.denied|unrecognized.name"
    r"|application.protocol|insufficient.security|decrypt.error",
    re.IGNORECASE,
)


class ConnectionFailure(Exception):  # noqa: N818  # "failure" is the word of the transports
    """No connection could be made, or no request was sent over it.

    Args:
        cause: why, without the address: ``connection refused``.
        place: the address; empty when ``cause`` names it.
        final: true when another attempt is of no use, such as for a certificate that is not trusted.
    """

    def __init__(self, cause: str, place: str = "", *, final: bool = False) -> None:
        super().__init__(f"{cause} at {place}" if place else cause)
        self.cause, self.place, self.final = cause, place, final


def describe(error: BaseException) -> str:
    """Return an exception's message on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def connect_failure(error: Exception, place: str) -> ConnectionFailure:
    """Return the failure for an exception of a connection attempt."""
    if isinstance(error, ConnectionRefusedError):
        return ConnectionFailure("connection refused", place)
    if isinstance(error, TimeoutError):
        return ConnectionFailure("connection timed out", place)
    strerror = error.strerror if isinstance(error, OSError) else ""
    return ConnectionFailure(strerror or describe(error), place)


def tls_failure(error: OSError | ValueError) -> ConnectionFailure:
    """Return the failure for an exception of a TLS handshake."""
    if isinstance(error, TimeoutError):
        return ConnectionFailure("the TLS handshake timed out")
    text = describe(error)
    return ConnectionFailure(f"TLS handshake failed: {text}", final=is_final(error))


def greeting_failure(error: OSError, place: str) -> ConnectionFailure:
    """Return the failure for a receiver that accepts a connection and does not begin to speak the protocol."""
    if isinstance(error, TimeoutError):
        return ConnectionFailure("no answer in time: timed out", place)
    return ConnectionFailure(f"Connection aborted: {describe(error)}", place, final=is_final(error))


def is_final(error: BaseException) -> bool:
    """True for a TLS error that another attempt does not avoid: a certificate that one side does not accept."""
    return isinstance(error, ssl.SSLError) and bool(_FINAL.search(describe(error)))
