"""Explains a receiver's response over grpc."""

from __future__ import annotations

from distrokit_otlp.grpc.status import GrpcStatus
from distrokit_otlp.probing.response_probe import EVIDENCE_LENGTH, RECEIVER_LOG_REMEDY, ResponseProbe
from distrokit_otlp.send_result import SendResult


class GrpcProbe(ResponseProbe):
    """Explains the status of a response."""

    def describe_failure(self) -> tuple[str, str] | None:
        status = next((response for response in self.responses if isinstance(response, GrpcStatus)), None)
        if status is None:
            return None
        code, details = status.code, status.details[:EVIDENCE_LENGTH]
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
        taken = [response for response in self.responses if isinstance(response, SendResult)]
        return taken[-1].cause if taken and taken[-1].rejected else ""
