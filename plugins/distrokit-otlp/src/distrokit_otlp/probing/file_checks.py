"""Checks of ``distrokit doctor`` for certificate files and headers: their source, and until when they are valid."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from distrokit import Check, ExporterOptions
from distrokit_otlp.credentials.files import FILES, CredentialFile, HeadersFile, describe_fault
from distrokit_otlp.diagnosis.handshake import EXPIRES_SOON
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls.files import TlsFiles
from distrokit_otlp.tls.validity import read_ends

_RENEW_OWN = "Have it renewed; a file that is replaced is read again without a restart."


def check_files(name: str, files: TlsFiles, remedies: Remedies) -> Iterator[Check]:
    """Check each certificate file, which has been loaded.

    Args:
        name: exporter and signal.
        files: the files.
        remedies: the exporter's settings.
    """
    for parameter in ("certificate", "client_certificate"):
        path = files.paths[parameter]
        ends = read_ends(files.contents.get(parameter, b""))
        if not path or not ends:
            continue
        # Of a bundle of authorities the last one to end; of a chain the client's own, which is the first.
        end = max(ends) if parameter == "certificate" else ends[0]
        days = (end - datetime.now(tz=timezone.utc)).days
        fits = ", and its key fits" if parameter == "client_certificate" else ""
        evidence = f"{name}: {remedies.place(parameter)}={path} is valid until {end:%Y-%m-%d} ({days} days){fits}"
        if days < 0:
            yield Check("otlp-files", "fail", f"{name}: {path} has expired on {end:%Y-%m-%d}", _RENEW_OWN)
        else:
            soon = days < EXPIRES_SOON
            yield Check("otlp-files", "warn" if soon else "ok", evidence, _RENEW_OWN if soon else "")


def check_headers(name: str, options: ExporterOptions, remedies: Remedies) -> Iterator[Check]:
    """Check each header, and each file with headers; values are never shown."""
    if options.headers:
        names = ", ".join(sorted(options.headers))
        yield Check("otlp-headers", "ok", f"{name}: sends {names} ({remedies.place('headers')})")
    for parameter, kind in FILES.items():
        path = str(options.arguments.get(parameter) or "")
        if path:
            file = kind(path, remedies.place(parameter))
            yield _check_file(name, file, grpc=options.arguments.get("protocol") == "grpc")


def _check_file(name: str, file: CredentialFile, *, grpc: bool) -> Check:
    where = f"{file.place}={file.path}"
    try:
        headers = file()
    except (OSError, ValueError) as error:
        remedy = f"ls -lL {file.path}" if isinstance(error, OSError) else f"Correct {file.path}."
        return Check("otlp-headers", "fail", f"{name}: {where}: {describe_fault(error)}", remedy)
    faults = file.faults(grpc=grpc) if isinstance(file, HeadersFile) else []
    if faults:
        return Check("otlp-headers", "warn", f"{name}: {where}: {'; '.join(faults)}", f"Correct {file.path}.")
    evidence = f"{name}: sends {', '.join(sorted(headers))} ({where})"
    end = _token_end(headers.get("authorization", ""))
    if end is None:
        return Check("otlp-headers", "ok", evidence)
    minutes = (end - datetime.now(tz=timezone.utc)).total_seconds() / 60
    if minutes < 0:
        age = datetime.fromtimestamp(Path(file.path).stat().st_mtime, tz=timezone.utc)
        evidence = (
            f"{name}: {where}: the token has expired at {end:%Y-%m-%d %H:%M} UTC; written at {age:%Y-%m-%d %H:%M}"
        )
        return Check("otlp-headers", "fail", evidence, "Have what writes the file renew the token.")
    left = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    return Check("otlp-headers", "ok", f"{evidence}; the token is valid for {left}")


def _token_end(authorization: str) -> datetime | None:
    """Return the end of a JSON Web Token (RFC 7519, 4.1.4); ``None`` for another token."""
    parts = authorization.rpartition(" ")[2].split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), tz=timezone.utc)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
