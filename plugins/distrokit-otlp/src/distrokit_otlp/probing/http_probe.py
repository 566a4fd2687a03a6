"""Explains the response of a receiver, or of another server, over HTTP."""

from __future__ import annotations

from typing import Any

from distrokit import Check, Sent
from distrokit_otlp.connection.proxies import proxy_variable
from distrokit_otlp.http.response import is_otlp, read_rejected, read_text
from distrokit_otlp.probing.response_probe import RECEIVER_LOG_REMEDY, ResponseProbe


class HttpProbe(ResponseProbe):
    """Explains HTTP responses."""

    def judge(self, sent: Sent) -> Check:
        check = super().judge(sent)
        if check.verdict != "ok" or not self.responses or is_otlp(response := self.responses[-1]):
            return check
        status = f"{response.status_code} {response.reason}".rstrip()
        evidence = f"{check.evidence}, and answered {status}: {read_text(response)!r}, which is not an OTLP response"
        remedy = f"Check that the item arrived at the receiver; if not, correct {self.remedies.place('endpoint')}."
        return Check("otlp-answer", "warn", evidence, remedy)

    def describe_mismatch(self) -> tuple[str, str] | None:
        # A server that responded speaks HTTP.
        return None if self.responses else super().describe_mismatch()

    def describe_failure(self) -> tuple[str, str] | None:
        if not self.responses:
            return None
        redirected = [r for r in self.responses if 300 <= r.status_code < 400]
        response = redirected[0] if redirected else self.responses[-1]
        status = f"answered {response.status_code} {response.reason}".rstrip()
        if 300 <= response.status_code < 400:
            where = response.header("location")
            place = self.remedies.place("endpoint")
            return f"{status}, which redirects to {where}", f"Write the final address into {place}."
        text = read_text(response)
        meaning, remedy = self._meaning(response)
        return f"{status}{self.proxy_hint}" + (f": {text}" if text else "") + meaning, remedy

    def _meaning(self, response: Any) -> tuple[str, str]:
        signal, place = self.options.signal, self.remedies.place("endpoint")
        refused = " (it does not accept these credentials)", self.credentials_remedy
        there = f"Correct the path in {place}; receivers usually take {signal} at /v1/{signal}."
        proxy = proxy_variable(self.options.endpoint, grpc=False)
        meanings = {
            401: refused,
            403: refused,
            404: ("", self.remedies.path(self.options.endpoint) or there),
            407: (" (the proxy requires credentials)", f"Put the proxy's user and password into {proxy}."),
        }
        if response.ok:
            return " (not an OTLP receiver)", f"Correct {place}."
        return meanings.get(
            response.status_code, (" (it can be reached, but did not accept the item)", RECEIVER_LOG_REMEDY)
        )

    def describe_rejection(self) -> str:
        if not self.responses or not is_otlp(self.responses[-1]):
            return ""
        rejected, text = read_rejected(self.responses[-1])
        return (text or "the receiver gave no reason") if rejected else ""
