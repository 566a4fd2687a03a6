"""The CA certificates that are trusted when no setting names any."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

#: Variables of the libraries that sent OTLP before: grpc's, and those of requests.
_GRPC = ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",)
_HTTP = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def find_roots(environ: Mapping[str, str], *, grpc: bool) -> str:
    """Return the file or folder of CA certificates to trust: a variable's, the system's, or certifi's.

    Empty for a system that has no file of them.
    """
    name = named_roots(environ, grpc=grpc)
    if name:
        return environ[name]
    # Imported late: an application may still patch it.
    import ssl

    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    if paths.capath and any(Path(paths.capath).iterdir()):
        return paths.capath
    if sys.platform == "win32":
        return ""
    import certifi

    return certifi.where()


def named_roots(environ: Mapping[str, str], *, grpc: bool) -> str:
    """Return the variable that names CA certificates; empty without one."""
    return next((name for name in (_GRPC if grpc else _HTTP) if environ.get(name)), "")


def load_roots(context: ssl.SSLContext, environ: Mapping[str, str], *, grpc: bool) -> None:
    """Let a context trust the CA certificates of :func:`find_roots`. Raises ``OSError``, with the variable."""
    roots = find_roots(environ, grpc=grpc)
    if not roots:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(**({"capath": roots} if Path(roots).is_dir() else {"cafile": roots}))
    except OSError as error:
        name = named_roots(environ, grpc=grpc) or "the system's CA certificates"
        why = error.strerror or "it cannot be read as certificates"
        raise OSError(f"{name}={roots}: {why}") from error
