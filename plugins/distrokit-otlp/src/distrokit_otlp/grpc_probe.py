"""Explains a receiver's response over grpc."""

from __future__ import annotations

from typing import Any

from distrokit_otlp.quiet import quiet
from distrokit_otlp.response_probe import EVIDENCE_LENGTH, RECEIVER_LOG_REMEDY, ResponseProbe
from distrokit_otlp.send_result import read_partial_success


class GrpcProbe(ResponseProbe):
    """Records grpc responses and errors."""

    def make_exporter(self) -> Any:
        with quiet(self.options.settings):
            from distrokit_otlp.grpc import make_grpc

        exporter = make_grpc(self.options)
        self._responses: list[Any] = []
        # Import time must not count as the receiver's time.
        exporter.sender.get()
        exporter.sender.on_response = self._responses.append
        return exporter

    def describe_failure(self) -> tuple[str, str] | None:
        error: Any = next((response for response in self._responses if isinstance(response, Exception)), None)
        if not hasattr(error, "code"):
            return None
        code, details = error.code().name, " ".join(str(error.details() or "").split())[:EVIDENCE_LENGTH]
        evidence = f"answered {code}" + (f": {details}" if details else "")
        signal = self.options.signal
        meanings = {
            "UNAUTHENTICATED": (f"{evidence} (it does not accept these credentials)", self.credentials_remedy),
            "PERMISSION_DENIED": (f"{evidence} (it does not accept these credentials)", self.credentials_remedy),
            "UNIMPLEMENTED": (f"{evidence} (it does not accept {signal})", self.remedies.leave_out()),
            "DEADLINE_EXCEEDED": ("accepts connections, but did not answer", RECEIVER_LOG_REMEDY),
        }
        if code == "UNAVAILABLE":
            return self._unavailable(details)
        return meanings.get(code, (f"{evidence}{self.proxy_hint}", RECEIVER_LOG_REMEDY))

    def _unavailable(self, details: str) -> tuple[str, str]:
        if "failed to connect" in details or "name resolution" in details.lower():
            return f"cannot be reached{self.proxy_hint}: {details}", f"Correct {self.remedies.place('endpoint')}."
        return f"can be reached, but accepts no data{self.proxy_hint}: {details}", RECEIVER_LOG_REMEDY

    def describe_rejection(self) -> str:
        answers = [response for response in self._responses if not isinstance(response, Exception)]
        rejected, text = read_partial_success(answers[-1]) if answers else (0, "")
        return (text or "the receiver gave no reason") if rejected else ""
