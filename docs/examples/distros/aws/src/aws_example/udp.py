"""Spans as datagrams to the daemon beside the process: no connection, no queue, nothing to wait for on Lambda."""

from __future__ import annotations

import base64
import socket
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit import BuildContext, ExporterOptions

_HEADER = b'{"format":"json","version":1}\n'


class UDPExporter(SpanExporter):
    """One datagram for each span; ``T1S`` for one that is sampled, ``T1U`` for one that is not."""

    def __init__(self, options: ExporterOptions) -> None:
        host, _, port = options.endpoint.rpartition(":")
        self._address, self._lost = (host, int(port)), options.lost
        # Shared with the children of a fork without harm: it holds no connection.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            kind = b"T1S" if span.context is None or span.context.trace_flags.sampled else b"T1U"
            content = base64.b64encode(encode_spans([span]).SerializeToString())
            try:
                self._socket.sendto(_HEADER + kind + content, self._address)
            except OSError as error:
                self._lost(1, "too large for a datagram" if len(content) > 60_000 else "failed", str(error))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._socket.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class Datagrams(SpanProcessor):
    """At ``export``: hands on every span that is recorded, sampled or not, when it ends."""

    def __init__(self, exporter: SpanExporter, context: BuildContext) -> None:
        self._exporter = exporter

    def on_end(self, span: ReadableSpan) -> None:
        self._exporter.export((span,))

    def shutdown(self) -> None:
        self._exporter.shutdown()
