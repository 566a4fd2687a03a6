"""The certificate and key files that settings name: faults are reported at the start, with the setting.

Standard library only: this also runs while the plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distrokit import ExporterOptions, Problem
from distrokit_otlp.file_stamps import FileStamp, read_stamp
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls.loading import TlsFileError, load_files

if TYPE_CHECKING:
    import ssl

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
        lenient: accept keys and signatures that the system's OpenSSL considers weak, as grpcio's TLS library does.

    Attributes:
        contents: of the files that were last loaded, by parameter.
        fault: the setting, the file and its fault when they could not be loaded the last time; else empty.
    """

    def __init__(self, name: str, signal: str, paths: Mapping[str, str], remedies: Remedies, *, lenient: bool) -> None:
        self.paths = {parameter: paths.get(parameter, "") for parameter in KEYS}
        self._name, self._signal, self._remedies, self._lenient = name, signal, remedies, lenient
        self._stamp: Any = None
        self.contents: Mapping[str, bytes] = {}
        self.fault = ""

    @classmethod
    def of(cls, options: ExporterOptions, *, lenient: bool = False) -> TlsFiles:
        """Return the files of an exporter."""
        remedies = Remedies.of(options)
        paths = {parameter: str(options.arguments.get(parameter) or "") for parameter in KEYS}
        return cls(options.name, options.signal, paths, remedies, lenient=lenient)

    def __bool__(self) -> bool:
        return any(self.paths.values())

    def load(self) -> ssl.SSLContext:
        """Return a client's TLS context with the files that are set.

        Raises: ``TlsFileError`` when TLS cannot use a file.
        """
        self._stamp = self._read_stamps()
        try:
            self.contents, context = load_files(self.paths, lenient=self._lenient)
        except TlsFileError as error:
            error.problem = self._problem(error)
            self.fault = f"{error.problem.subject}: {error.cause}"
            raise
        self.fault = ""
        return context

    def changed(self) -> bool:
        """True if a file on disk has changed since it was last loaded, or tried to be."""
        return bool(self) and self._read_stamps() != self._stamp

    def _read_stamps(self) -> list[FileStamp | None]:
        stamps: list[FileStamp | None] = []
        for path in filter(None, self.paths.values()):
            try:
                stamps.append(read_stamp(path))
            except (OSError, ValueError):
                stamps.append(None)
        return stamps

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
