"""The TLS context of the next connection: certificates that are renewed are used without a restart."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Sequence

from distrokit_otlp.tls.files import TlsFiles
from distrokit_otlp.tls.loading import TlsFileError
from distrokit_otlp.tls.roots import load_roots

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")


class TlsContext:
    """Makes the TLS context of an exporter's connections.

    Args:
        files: the certificate and key files.
        protocols: for ALPN (RFC 7301).
        grpc: true for grpc, which has its own variable for CA certificates.
    """

    def __init__(self, files: TlsFiles, protocols: Sequence[str], *, grpc: bool) -> None:
        self._files, self._protocols, self._grpc = files, list(protocols), grpc
        self._context: ssl.SSLContext | None = None
        self._reported = ""

    @property
    def fault(self) -> str:
        """The setting, the file and its fault while a changed file cannot be used; else empty."""
        return self._files.fault

    def load(self) -> None:
        """Load the files now, so that faults appear at the start, and before a process drops its permissions.

        Raises: ``TlsFileError``.
        """
        self._context = self._make()

    def current(self) -> ssl.SSLContext:
        """Return the context; if a file has changed, of the new files, or of the last good ones if they have a fault.

        Raises: ``TlsFileError`` when the files were never good.
        """
        if self._context is None or self._files.changed():
            try:
                self._context = self._make()
                self._reported = ""
            except TlsFileError:
                if self._context is None:
                    raise
                self._report()
        return self._context

    def refresh(self) -> bool:
        """Read files that have changed since; true if the next connection will have another context."""
        before = self._context
        return bool(self._files) and self.current() is not before

    def _make(self) -> ssl.SSLContext:
        context = self._files.load()
        if not self._files.paths["certificate"]:
            load_roots(context, os.environ, grpc=self._grpc)
        context.set_alpn_protocols(self._protocols)
        return context

    def _report(self) -> None:
        """Log a fault once."""
        if self.fault != self._reported:
            self._reported = self.fault
            _logger.warning("%s; the files that were read before stay in use until it is usable", self.fault)
