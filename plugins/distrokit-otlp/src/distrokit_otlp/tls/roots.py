"""The CA certificates that are trusted when no setting names any."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

#: Variables of the libraries that sent OTLP before: grpc's, and those of requests.
_GRPC = ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",)
_HTTP = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def find_roots(environ: Mapping[str, str], *, grpc: bool) -> str:
    """Return the file or folder of CA certificates to trust: a variable's, the system's, or certifi's."""
    named = next((environ[name] for name in (_GRPC if grpc else _HTTP) if environ.get(name)), "")
    if named:
        return named
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    if paths.capath and any(Path(paths.capath).iterdir()):
        return paths.capath
    import certifi

    return certifi.where()


def load_roots(context: ssl.SSLContext, environ: Mapping[str, str], *, grpc: bool) -> None:
    """Let a context trust the CA certificates of :func:`find_roots`. Raises ``OSError``."""
    roots = find_roots(environ, grpc=grpc)
    context.load_verify_locations(**({"capath": roots} if Path(roots).is_dir() else {"cafile": roots}))
