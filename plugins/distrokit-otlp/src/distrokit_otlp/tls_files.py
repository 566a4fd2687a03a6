"""Files of certificates and keys that settings name: a wrong one is found at the start, and named with its setting.

Standard library only: this also runs while the plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrokit import ExporterOptions, Problem
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls_loading import TlsFileError, load_contents

#: The parameters that name a file, and how a configuration file calls them.
KEYS = {"certificate": "tls.ca_file", "client_key": "tls.key_file", "client_certificate": "tls.cert_file"}

_CONTENTS = {
    "certificate": "the authority's certificate as PEM",
    "client_key": "the client certificate's private key as PEM, without a password",
    "client_certificate": "the client's certificate as PEM",
}
_PARTNER = {"client_key": "client_certificate", "client_certificate": "client_key"}


class TlsFiles:
    """The files of one exporter.

    Args:
        name: of the exporter, for messages: ``otlp``, ``otlp/backup``.
        signal: the signal it is for.
        paths: by parameter (:data:`KEYS`); empty where none is set.
        remedies: names the settings.
        lenient: allow keys and signatures that the system's OpenSSL holds for weak, as grpc's TLS library does.
    """

    def __init__(self, name: str, signal: str, paths: Mapping[str, str], remedies: Remedies, *, lenient: bool) -> None:
        self.paths = {parameter: paths.get(parameter, "") for parameter in KEYS}
        self._name, self._signal, self._remedies, self._lenient = name, signal, remedies, lenient
        self._stamp: Any = None

    @classmethod
    def of(cls, options: ExporterOptions) -> TlsFiles:
        """The files that an exporter is made with."""
        remedies = Remedies(options.name, options.signal, options.sources, options.settings)
        paths = {parameter: str(options.arguments.get(parameter) or "") for parameter in KEYS}
        lenient = options.arguments.get("protocol") == "grpc"
        return cls(options.name, options.signal, paths, remedies, lenient=lenient)

    def __bool__(self) -> bool:
        return any(self.paths.values())

    def load(self) -> dict[str, bytes]:
        """The content of each file that is set; of the client's key also where it stands in the certificate's file.

        Raises: ``TlsFileError`` when TLS could not use them.
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
        """The setting, the file and its fault as it is now; empty when there is none."""
        try:
            load_contents(self.paths, lenient=self._lenient)
        except TlsFileError as error:
            return f"{self._problem(error).subject}: {error.cause}"
        return ""

    def changed(self) -> bool:
        """Whether a file on disk is another one than when :meth:`load` succeeded last."""
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
            return f"Name a copy without: `openssl pkey -in {path} -out /path/to/client.key`."
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
