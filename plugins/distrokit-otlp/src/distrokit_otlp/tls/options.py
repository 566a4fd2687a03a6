"""The TLS context of an exporter's connections, from its options."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from distrokit import ExporterOptions
from distrokit_otlp.connection.options import target_for
from distrokit_otlp.tls.files import TlsFiles
from distrokit_otlp.tls.roots import named_roots

if TYPE_CHECKING:
    from distrokit_otlp.tls.context import TlsContext


def prepare_tls(options: ExporterOptions, protocol: str) -> Callable[[], TlsContext]:
    """Return a function that makes the TLS context.

    Files are loaded now, so that faults appear at the start, and before the process drops its permissions.

    Args:
        options: the exporter's options.
        protocol: for ALPN (RFC 7301).

    Raises: ``TlsFileError`` for a certificate or key that TLS cannot use; ``OSError`` for other CA certificates.
    """
    files, grpc = TlsFiles.of(options), options.arguments.get("protocol") == "grpc"

    def make() -> TlsContext:
        # Imported late: an application may still patch ssl.
        from distrokit_otlp.tls.context import TlsContext

        return TlsContext(files, [protocol], grpc=grpc)

    if not (target_for(options).tls and (files or named_roots(os.environ, grpc=grpc))):
        return make
    context = make()
    context.load()
    return lambda: context
