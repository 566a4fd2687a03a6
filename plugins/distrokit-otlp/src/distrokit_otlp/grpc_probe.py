"""What a receiver answered over grpc."""

from __future__ import annotations

from typing import Any

from distrokit_otlp.quiet import quiet
from distrokit_otlp.response_probe import ITS_LOG, SHOWN, ResponseProbe
from distrokit_otlp.send_result import partial_success


class GrpcProbe(ResponseProbe):
    """Every answer is seen as grpc has it."""

    def watched(self) -> Any:
        with quiet(self.options.settings):
            from distrokit_otlp.grpc import make_grpc

        exporter = make_grpc(self.options)
        self._seen: list[Any] = []
        # What it imports is not the receiver's time.
        exporter.sender.ready()
        exporter.sender.watch = self._seen.append
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
            "UNIMPLEMENTED": (f"{answered} (it takes no {signal})", self.remedies.leave_out()),
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
        rejected, said = partial_success(answers[-1]) if answers else (0, "")
        return (said or "it does not say why") if rejected else ""
