"""Explains failed connections in a running process in the words of ``distrokit doctor``, not of the TLS library."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from distrokit import ExporterOptions
from distrokit_otlp.credentials.options import credentials_parameter
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls.files import KEYS

if TYPE_CHECKING:
    from distrokit_otlp.diagnosis.mismatch import Finding
    from distrokit_otlp.diagnosis.route import Route

#: Seconds between two probes of one receiver, and the longest duration of each step.
_PROBE_INTERVAL, _STEP = 60.0, 1.0
_PLAINTEXT = re.compile(r"WRONG_VERSION_NUMBER|wrong version number|record layer failure", re.IGNORECASE)
_NOT_HTTP_2 = re.compile(r"Failed parsing HTTP/2|Expected SETTINGS frame|http1\.x server|missing selected ALPN")
_NAME = re.compile(r"mismatch|Hostname Verification|not valid for|doesn't match", re.IGNORECASE)
_DATES = re.compile(r"certificate has expired|not yet valid", re.IGNORECASE)
_UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", re.IGNORECASE)
_CLIENT_CERTIFICATE = re.compile(r"certificate.required|handshake.failure|bad.certificate|unknown.ca", re.IGNORECASE)
#: The connection ended without a cause.
_DISCONNECTED = re.compile(
    r"Connection aborted|RemoteDisconnected|BadStatusLine|EOF occurred|Socket closed|Connection reset|handshake",
    re.IGNORECASE,
)
#: Of the addresses of a name grpc reports one: of localhost often ``::1``, which refuses while ``127.0.0.1`` accepts.
_REFUSED = re.compile(r"connection refused|failed to connect", re.IGNORECASE)


class Diagnosis:
    """Explains the failed connections of one exporter.

    Args:
        options: the exporter's options.
    """

    def __init__(self, options: ExporterOptions) -> None:
        self._options = options
        self._remedies = Remedies.of(options)
        self._probed_at, self._finding = -_PROBE_INTERVAL, ""

    def explain(self, text: str, seconds: float) -> str:
        """Return the fault and the setting that corrects it; ``text`` when the fault is not known.

        Args:
            text: the transport's message about a failed connection.
            seconds: the time left to probe the receiver, which happens at most once a minute.
        """
        try:
            return self._explain(text, seconds) or text
        except Exception:
            # Sockets, proxies and name resolution may raise anything: the text is reported as it is.
            return text

    def place(self, parameter: str) -> str:
        """Return the setting to correct: the variable that decides, or the position in the file."""
        return self._remedies.place(parameter)

    def credentials_place(self) -> str:
        """Return the setting that gives the credentials: a file's, if there is one, since it wins."""
        return self.place(credentials_parameter(self._options))

    def reset(self) -> None:
        """Forget the finding, since the receiver has answered."""
        self._finding = ""

    def _explain(self, text: str, seconds: float) -> str:
        certificate = _NAME, _DATES, _UNTRUSTED, _CLIENT_CERTIFICATE
        if not any(p.search(text) for p in (_PLAINTEXT, _NOT_HTTP_2, *certificate, _DISCONNECTED, _REFUSED)):
            return ""
        # Imported late: an application may still patch sockets and ssl.
        from distrokit_otlp.diagnosis.route import Route

        options = self._options
        remedies = self._remedies
        files = {name: str(options.arguments.get(name) or "") for name in KEYS}
        route = Route.of(options, remedies, files)
        if route is None or route.proxy:
            return ""
        found = self._explain_by_message(text, route, remedies)
        if found is None and (_DISCONNECTED.search(text) or _REFUSED.search(text)):
            return self._explain_by_probing(route, remedies, seconds, listens=not _REFUSED.search(text))
        return _sentence(f"{route.place} {found[0]}", found[1]) if found else ""

    def _explain_by_message(self, text: str, route: Route, remedies: Remedies) -> Finding | None:
        """Return the finding that the transport's message allows; ``None`` without one."""
        from distrokit_otlp.diagnosis import handshake, mismatch

        if _PLAINTEXT.search(text):
            return handshake.plaintext_finding(route.url, remedies)
        if _NOT_HTTP_2.search(text):
            return mismatch.other_protocol("grpc", remedies)
        certificate: tuple[tuple[re.Pattern[str], Finding], ...] = (
            (_NAME, ("has a certificate for another name", handshake.name_remedy(remedies))),
            (_DATES, ("has a certificate that is expired or not yet valid", handshake.RENEW)),
            (
                _UNTRUSTED,
                ("has a certificate of an unknown authority", handshake.trust_remedy(remedies)),
            ),
            (_CLIENT_CERTIFICATE, handshake.client_certificate_finding(remedies)),
        )
        return next((found for pattern, found in certificate if route.tls and pattern.search(text)), None)

    def _explain_by_probing(self, route: Route, remedies: Remedies, seconds: float, *, listens: bool) -> str:
        """Probe the receiver, at most once a minute; ``listens``: it is known to accept connections."""
        from distrokit_otlp.diagnosis import protocol_sniffing

        now = time.monotonic()
        if now - self._probed_at >= _PROBE_INTERVAL and seconds > 0:
            step = min(_STEP, seconds / 4)
            self._probed_at = now
            listens = listens or protocol_sniffing.listens(route.host, route.port, step)
            self._finding = self._probe(route, remedies, step) if listens else ""
        return self._finding

    def _probe(self, route: Route, remedies: Remedies, seconds: float) -> str:
        """Return what test connections to the receiver show; empty when they show nothing."""
        from distrokit_otlp.diagnosis import mismatch

        if route.tls:
            check = route.handshake(seconds)
            if check.verdict == "fail":
                return _sentence(check.evidence, check.remedy)
        found = mismatch.detect_mismatch(route, str(self._options.arguments.get("protocol")), remedies, seconds)
        return _sentence(f"{route.place} {found[0]}", found[1]) if found else ""


def _sentence(evidence: str, remedy: str) -> str:
    return f"{evidence} ({remedy.rstrip('.')})"
