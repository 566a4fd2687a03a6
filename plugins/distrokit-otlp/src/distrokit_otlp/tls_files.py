"""The certificate and key files that settings name: faults are reported at the start, with the setting.

Standard library only: this also runs while the plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrokit import ExporterOptions, Problem
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls_loading import TlsFileError, load_contents

#: The parameters that name a file, with their keys in a configuration file.
KEYS = {"certificate": "tls.ca_file", "client_key": "tls.key_file", "client_certificate": "tls.cert_file"}

_CONTENTS = {
    "certificate": "the authority's certificate as PEM",
    "client_key": "the client certificate's private key as PEM, without a password",
    "client_certificate": "the client's certificate as PEM",
}
_PARTNER = {"client_key": "client_certificate", "client_certificate": "client_key"}


class TlsFiles:
    """The TLS files of one exporter.

    Args:
        name: the exporter's name, for messages: ``otlp``, ``otlp/backup``.
        signal: the exporter's signal.
        paths: by parameter (:data:`KEYS`); empty when not set.
        remedies: the exporter's settings to change.
        lenient: accept keys and signatures that the system's OpenSSL considers weak, as grpc's TLS library does.
    """

    def __init__(self, name: str, signal: str, paths: Mapping[str, str], remedies: Remedies, *, lenient: bool) -> None:
        self.paths = {parameter: paths.get(parameter, "") for parameter in KEYS}
        self._name, self._signal, self._remedies, self._lenient = name, signal, remedies, lenient
        self._stamp: Any = None

    @classmethod
    def of(cls, options: ExporterOptions) -> TlsFiles:
        """Return the files of an exporter."""
        remedies = Remedies.of(options)
        paths = {parameter: str(options.arguments.get(parameter) or "") for parameter in KEYS}
        lenient = options.arguments.get("protocol") == "grpc"
        return cls(options.name, options.signal, paths, remedies, lenient=lenient)

    def __bool__(self) -> bool:
        return any(self.paths.values())

    def load(self) -> dict[str, bytes]:
        """Return the content of each file that is set; the client's key may be in the certificate's file.

        Raises: ``TlsFileError`` when TLS cannot use a file.
        """
        stamp = self._read_stamps()
        try:
            contents = load_contents(self.paths, lenient=self._lenient)
        except TlsFileError as error:
            error.problem = self._problem(error)
            raise
        self._stamp = stamp
        return contents

    def fault(self) -> str:
        """Return the setting, the file and its current fault; empty without one."""
        try:
            load_contents(self.paths, lenient=self._lenient)
        except TlsFileError as error:
            return f"{self._problem(error).subject}: {error.cause}"
        return ""

    def changed(self) -> bool:
        """True if a file on disk has changed since :meth:`load` last succeeded."""
        return bool(self) and self._read_stamps() != self._stamp

    def _read_stamps(self) -> list[tuple[int, int, int] | None]:
        return [_read_stamp(path) for path in self.paths.values() if path]

    def _problem(self, error: TlsFileError) -> Problem:
        place, path = self._remedies.place(error.parameter), self.paths[error.parameter]
        named = place.partition("__")[0].startswith("OTEL_") and " " not in place
        whose = f" for {self._signal}" if f"_{self._signal.upper()}_" in place else ""
        return Problem(
            code="tls-file-unusable",
            subject=f"{place}={path}" if named else f"{place} {KEYS[error.parameter]}={path}",
            cause=error.cause,
            outcome=f"exporter {self._name} is left out{whose}",
            remedy=self._remedy(error, place, named=named),
        )

    def _remedy(self, error: TlsFileError, place: str, *, named: bool) -> str:
        if error.kind == "password":
            path = self.paths[error.parameter]
            return f"Name a copy without a password: `openssl pkey -in {path} -out /path/to/client.key`."
        if error.kind != "partner":
            return f"Name a file that holds {_CONTENTS[error.parameter]}."
        partner = _PARTNER[error.parameter]
        file = "/path/to/client.key" if partner == "client_key" else "/path/to/client.pem"
        if named:
            return f"export {place.replace(error.parameter.upper(), partner.upper())}={file}"
        return f"Write {KEYS[partner].rpartition('.')[2]}: {file} beside it."


def _read_stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
