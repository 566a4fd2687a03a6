"""What a receiver answered over grpc."""

from __future__ import annotations

from typing import Any

from distrokit_otlp.answers import ITS_LOG, SHOWN, Answers, partial


class GrpcAnswers(Answers):
    """The exporter says its answers to nobody, so its client is watched, where it has one."""

    def watched(self) -> Any:
        from distrokit_otlp.grpc import make_grpc

        exporter = make_grpc(self.options)
        self._seen: list[Any] = []
        # The one private name of the exporter; without it, what it logs is the evidence.
        client = getattr(exporter, "_client", None)
        if hasattr(client, "Export"):
            exporter._client = _Client(client, self._seen)  # noqa: SLF001
        return exporter

    def refusal(self) -> tuple[str, str] | None:
        error: Any = next((seen for seen in self._seen if isinstance(seen, Exception)), None)
        if not hasattr(error, "code"):
            return None
        code, details = error.code().name, " ".join(str(error.details() or "").split())[:SHOWN]
        answered = f"answered {code}" + (f": {details}" if details else "")
        signal = self.options.signal
        meanings = {
            "UNAUTHENTICATED": (f"{answered} (it does not accept these credentials)", self.credentials),
            "PERMISSION_DENIED": (f"{answered} (it does not accept these credentials)", self.credentials),
            "UNIMPLEMENTED": (f"{answered} (it takes no {signal})", f"export OTEL_{signal.upper()}_EXPORTER=none"),
            "DEADLINE_EXCEEDED": ("took the connection and does not answer", ITS_LOG),
        }
        if code == "UNAVAILABLE":
            return self._unavailable(details)
        return meanings.get(code, (f"{answered}{self.through}", ITS_LOG))

    def _unavailable(self, details: str) -> tuple[str, str]:
        if "failed to connect" in details or "name resolution" in details.lower():
            return f"cannot be reached{self.through}: {details}", f"Correct {self.remedies.place('endpoint')}."
        return f"is there, and takes nothing{self.through}: {details}", ITS_LOG

    def rejected(self) -> str:
        answers = [seen for seen in self._seen if not isinstance(seen, Exception)]
        return partial(answers[-1]) if answers else ""


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
