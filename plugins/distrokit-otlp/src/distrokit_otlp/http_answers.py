"""What a receiver, or whoever else, answered over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError

from distrokit import Check, Sent
from distrokit_otlp.answers import ITS_LOG, SHOWN, Answers, partial
from distrokit_otlp.proxies import variable


class HttpAnswers(Answers):
    """Every response is seen through the session's public hook."""

    def watched(self) -> Any:
        from distrokit_otlp.http import make_http, session_of
        from distrokit_otlp.json import make_json

        self._responses: list[Any] = []
        if self.options.arguments.get("protocol") == "http/json":
            return make_json(self.options)
        session = session_of(self.options)
        if session is None:
            return make_http(self.options)
        session.hooks["response"].append(lambda response, **_: self._responses.append(response))
        return make_http(replace(self.options, credentials=session))

    def verdict(self, sent: Sent) -> Check:
        # The exporters take a redirection, and whatever page it ends on, for a success.
        # The last one counts: what is tried again after a 503 is well.
        last = self._responses[-1] if self._responses else None
        strange = sent.ok and last is not None and (bool(last.history) or not is_otlp(last))
        return super().verdict(Sent(False, sent.messages, sent.seconds) if strange else sent)

    def foreign(self) -> tuple[str, str] | None:
        # Whoever answered speaks it.
        return None if self._responses else super().foreign()

    def refusal(self) -> tuple[str, str] | None:
        if not self._responses:
            return None
        redirected = [r for r in self._responses if 300 <= r.status_code < 400]
        response = redirected[0] if redirected else self._responses[-1]
        status = f"answered {response.status_code} {response.reason}".rstrip()
        if 300 <= response.status_code < 400:
            where = response.headers.get("Location", "")
            place = self.remedies.place("endpoint")
            return f"{status}, and points to {where}", f"Write the address that takes the data into {place}."
        said = text_of(response)
        meaning, remedy = self._meaning(response)
        return f"{status}{self.through}" + (f": {said}" if said else "") + meaning, remedy

    def _meaning(self, response: Any) -> tuple[str, str]:
        signal, place = self.options.signal, self.remedies.place("endpoint")
        refused = " (it does not accept these credentials)", self.credentials
        there = f"Correct the path in {place}; receivers usually take {signal} at /v1/{signal}."
        proxy = variable(self.options.endpoint, grpc=False)
        meanings = {
            401: refused,
            403: refused,
            404: ("", self.remedies.path(self.options.endpoint) or there),
            407: (" (the proxy wants credentials)", f"Put the proxy's user and password into {proxy}."),
        }
        if response.ok:
            return " (that is no OTLP receiver)", f"Correct {place}."
        return meanings.get(response.status_code, (" (it is there, and did not take the item)", ITS_LOG))

    def rejected(self) -> str:
        if not self._responses or not self._responses[-1].content:
            return ""
        response = self._responses[-1]
        if "json" in _kind(response):
            found = _json(response) or {}
            said = found.get("partialSuccess") or found.get("partial_success") or {}
            if not isinstance(said, dict):
                return ""
            counts = [value for name, value in said.items() if name.lower().startswith("rejected")]
            rejected = any(str(value) not in ("", "0") for value in counts)
            return str(said.get("errorMessage") or "it does not say why") if rejected else ""
        return partial(_response_type(self.options.signal).FromString(response.content))


def is_otlp(response: Any) -> bool:
    """Whether an answer of success can be a receiver's: nothing, or what decodes."""
    if not 200 <= response.status_code < 300 or "html" in _kind(response):
        return False
    if not response.content:
        return True
    if "json" in _kind(response):
        found = _json(response)
        return found is not None and set(found) <= {"partialSuccess", "partial_success"}
    try:
        # All three answers have the same shape; anything else decodes to fields that nobody knows.
        message = _response_type("traces").FromString(response.content)
    except DecodeError:
        return False
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return bool(message.ByteSize() == size)


def text_of(response: Any) -> str:
    """What a body says, on one line; an OTLP status has its message in it."""
    if "protobuf" in _kind(response):
        from google.rpc.status_pb2 import Status

        try:
            return str(Status.FromString(response.content).message)[:SHOWN]
        except DecodeError:
            return ""
    text = " ".join(response.content[:4096].decode("utf-8", "replace").split())
    return text[:SHOWN] if text.isprintable() else ""


def _kind(response: Any) -> str:
    return str(response.headers.get("Content-Type", "")).lower()


def _json(response: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(response.content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _response_type(signal: str) -> Any:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    return {
        "traces": ExportTraceServiceResponse,
        "metrics": ExportMetricsServiceResponse,
        "logs": ExportLogsServiceResponse,
    }[signal]
