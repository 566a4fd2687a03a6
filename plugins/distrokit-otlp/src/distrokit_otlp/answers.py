"""What a receiver answered to one item, and what that means for whoever set this up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError

from distrokit import Check, ExporterOptions, Sent
from distrokit_otlp.route import Route, speaks_tls, spoken

#: Of an answer's body, in characters, as evidence.
_SHOWN = 200
_CREDENTIALS = "export OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20…'"
_ITS_LOG = "Look into the receiver's own log."
_OTHER = {"grpc": "http/protobuf", "http/protobuf": "grpc", "http/json": "grpc"}
_FOREIGN = {"grpc": "http/1", "http/protobuf": "http/2", "http/json": "http/2"}


class Answers(ABC):
    """Watches one exporter.

    Args:
        options: what it is made with.
        route: ``None`` for a Unix socket.
    """

    def __init__(self, options: ExporterOptions, route: Route | None) -> None:
        self._options, self._route = options, route

    @abstractmethod
    def watched(self) -> Any:
        """The exporter, as the plan makes it, and what it is answered is kept."""

    @abstractmethod
    def _answer(self) -> tuple[str, str] | None:
        """What was answered, and what to do, when it was no success; ``None`` when nothing is known."""

    @abstractmethod
    def _rejected(self) -> str:
        """What of a success was not taken after all; empty when all was."""

    def verdict(self, sent: Sent) -> Check:
        """Of what was sent."""
        what = f"{self._options.name} {self._options.signal}: {self._place}"
        if sent.ok:
            rejected = self._rejected()
            if rejected:
                return Check("otlp-answer", "fail", f"{what} took the request and rejected the item: {rejected}", "")
            return Check("otlp-answer", "ok", f"{what} took an item in {sent.seconds * 1000:.0f} ms")
        foreign = self._foreign()
        if foreign is not None:
            return Check("otlp-answer", "fail", f"{what} {foreign[0]}", foreign[1])
        answer = self._answer()
        if answer is None:
            why = sent.messages[-1] if sent.messages else "the exporter does not say why"
            answer = f"took nothing within {sent.seconds:.1f} seconds: {why}", _ITS_LOG
        return Check("otlp-answer", "fail", f"{what} {answer[0]}", answer[1])

    @property
    def _place(self) -> str:
        return self._route.place if self._route else self._options.endpoint

    @property
    def _protocol(self) -> str:
        return str(self._options.arguments.get("protocol"))

    def _foreign(self) -> tuple[str, str] | None:
        """Another protocol than ours is spoken there."""
        route = self._route
        if route is None or route.proxy or route.tls:
            return None
        heard = spoken(route.host, route.port)
        if heard == "tls" or (not heard and speaks_tls(route.host, route.port)):
            return "speaks TLS, and plaintext was sent", f"export {route.setting}=https://{route.place}"
        if heard == _FOREIGN.get(self._protocol):
            other = _OTHER[self._protocol]
            spoke = "HTTP/1, which is not grpc" if heard == "http/1" else "HTTP/2 only, which is grpc"
            return f"speaks {spoke}, and {self._protocol} was sent", f"export OTEL_EXPORTER_OTLP_PROTOCOL={other}"
        return None

    def _through(self) -> str:
        return (
            f" (answered on the way through the proxy {self._route.proxy}?)"
            if self._route and self._route.proxy
            else ""
        )


class HttpAnswers(Answers):
    """Over HTTP: every response is seen through the session's public hook."""

    def watched(self) -> Any:
        from distrokit_otlp.http import make_http, session_of
        from distrokit_otlp.json import make_json

        self._responses: list[Any] = []
        if self._protocol == "http/json":
            return make_json(self._options)
        session = session_of(self._options)
        if session is None:
            return make_http(self._options)
        session.hooks["response"].append(lambda response, **_: self._responses.append(response))
        return make_http(replace(self._options, credentials=session))

    def verdict(self, sent: Sent) -> Check:
        # The exporters take a redirection, and whatever page it ends on, for a success.
        strange = sent.ok and self._responses and not _is_otlp(self._responses[0])
        return super().verdict(Sent(False, sent.messages, sent.seconds) if strange else sent)

    def _answer(self) -> tuple[str, str] | None:
        if not self._responses:
            return None
        response = self._responses[0]
        status = f"answered {response.status_code} {response.reason}".rstrip()
        if 300 <= response.status_code < 400:
            where = response.headers.get("Location", "")
            return f"{status}, and points to {where}", f"Write the address that takes the data into {self._setting}."
        said = _text(response)
        meaning, remedy = self._meaning(response)
        return f"{status}{self._through()}" + (f": {said}" if said else "") + meaning, remedy

    def _meaning(self, response: Any) -> tuple[str, str]:
        signal = self._options.signal
        refused = " (it does not accept these credentials)", _CREDENTIALS
        meanings = {
            401: refused,
            403: refused,
            404: ("", f"Correct the path in {self._setting}; receivers usually take {signal} at /v1/{signal}."),
            407: (" (the proxy wants credentials)", "export HTTPS_PROXY=http://user:password@proxy:port"),
        }
        if response.ok:
            return " (that is no OTLP receiver)", f"Correct {self._setting}."
        return meanings.get(response.status_code, (" (it is there, and did not take the item)", _ITS_LOG))

    @property
    def _setting(self) -> str:
        return self._route.setting if self._route else "OTEL_EXPORTER_OTLP_ENDPOINT"

    def _rejected(self) -> str:
        if not self._responses or not self._responses[-1].content or "json" in _kind(self._responses[-1]):
            return ""
        return _partial(_response_type(self._options.signal).FromString(self._responses[-1].content))


class GrpcAnswers(Answers):
    """Over grpc: the exporter says its answers to nobody, so its client is watched, where it has one."""

    def watched(self) -> Any:
        from distrokit_otlp.grpc import make_grpc

        exporter = make_grpc(self._options)
        self._seen: list[Any] = []
        # The one private name of the exporter; without it, what it logs is the evidence.
        client = getattr(exporter, "_client", None)
        if hasattr(client, "Export"):
            exporter._client = _Client(client, self._seen)  # noqa: SLF001
        return exporter

    def _answer(self) -> tuple[str, str] | None:
        error = next((seen for seen in self._seen if isinstance(seen, Exception)), None)
        if error is None or not hasattr(error, "code"):
            return None
        code, details = error.code().name, " ".join(str(error.details() or "").split())[:_SHOWN]  # type: ignore[attr-defined]
        answered = f"answered {code}" + (f": {details}" if details else "")
        if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return f"{answered} (it does not accept these credentials)", _CREDENTIALS
        if code == "UNIMPLEMENTED":
            signal = self._options.signal
            return f"{answered} (it takes no {signal})", f"export OTEL_{signal.upper()}_EXPORTER=none"
        if code == "DEADLINE_EXCEEDED":
            return "took the connection and does not answer", _ITS_LOG
        if code == "UNAVAILABLE":
            return f"is there, and takes nothing ({details})", _ITS_LOG
        return f"{answered}{self._through()}", _ITS_LOG

    def _rejected(self) -> str:
        answers = [seen for seen in self._seen if not isinstance(seen, Exception)]
        return _partial(answers[-1]) if answers else ""


class _Client:
    def __init__(self, client: Any, seen: list[Any]) -> None:
        self._client, self._seen = client, seen

    def Export(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802  (the service's name for it)
        try:
            answer = self._client.Export(*args, **kwargs)
        except Exception as error:
            self._seen.append(error)
            raise
        self._seen.append(answer)
        return answer


def _partial(answer: Any) -> str:
    """The receiver's words where it rejected something, or only has something to say."""
    partial = getattr(answer, "partial_success", None)
    if partial is None:
        return ""
    rejected = sum(getattr(partial, field.name) for field in partial.DESCRIPTOR.fields if field.name != "error_message")
    return partial.error_message or ("it does not say why" if rejected else "")


def _is_otlp(response: Any) -> bool:
    """Whether an answer of success can be a receiver's: nothing, or what decodes."""
    if not 200 <= response.status_code < 300 or "html" in _kind(response):
        return False
    if not response.content or "json" in _kind(response):
        return True
    try:
        # All three answers have the same shape.
        _response_type("traces").FromString(response.content)
    except DecodeError:
        return False
    return True


def _kind(response: Any) -> str:
    return str(response.headers.get("Content-Type", "")).lower()


def _text(response: Any) -> str:
    """What a body says, on one line; an OTLP status has its message in it."""
    if "protobuf" in _kind(response):
        from google.rpc.status_pb2 import Status

        try:
            return str(Status.FromString(response.content).message)[:_SHOWN]
        except DecodeError:
            return ""
    text = " ".join(response.content[:4096].decode("utf-8", "replace").split())
    return text[:_SHOWN] if text.isprintable() else ""


def _response_type(signal: str) -> Any:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    return {
        "traces": ExportTraceServiceResponse,
        "metrics": ExportMetricsServiceResponse,
        "logs": ExportLogsServiceResponse,
    }[signal]
