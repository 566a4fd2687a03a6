"""Files of certificates and keys that settings name, loaded as TLS loads them: a wrong one is found at the start.

grpc aborts the process for some of them, and OpenSSL says "PEM lib" for most. Standard library only: this also runs
while the plan is made.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from errno import EINVAL
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrokit import ExporterOptions, Problem
from distrokit_otlp.remedies import Remedies

if TYPE_CHECKING:
    import ssl

#: The parameters that name a file, and how a configuration file calls them.
KEYS = {"certificate": "tls.ca_file", "client_key": "tls.key_file", "client_certificate": "tls.cert_file"}

#: In bytes. A bundle with the authorities of the whole web has a fifth of a megabyte.
_LARGEST = 16_000_000
_BLOCK = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----", re.MULTILINE)
_WANTED = {
    "certificate": "the authority's certificate as PEM",
    "client_key": "the client certificate's private key as PEM, without a password",
    "client_certificate": "the client's certificate as PEM",
}
_PARTNER = {"client_key": "client_certificate", "client_certificate": "client_key"}


class TlsFileError(Exception):
    """A file that TLS cannot use.

    Args:
        parameter: one of :data:`KEYS`.
        cause: the fault in plain words.
        kind: ``partner`` when the setting beside it is missing, ``password`` for an encrypted key; else empty.

    Attributes:
        problem: the same for the plan; set by :class:`TlsFiles`.
    """

    problem: Problem

    def __init__(self, parameter: str, cause: str, kind: str = "") -> None:
        super().__init__(cause)
        self.parameter, self.cause, self.kind = parameter, cause, kind


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
        stamp = self._now()
        try:
            contents = _loaded(self.paths, lenient=self._lenient)
        except TlsFileError as error:
            error.problem = self._problem(error)
            raise
        self._stamp = stamp
        return contents

    def fault(self) -> str:
        """The setting, the file and its fault as it is now; empty when there is none."""
        try:
            _loaded(self.paths, lenient=self._lenient)
        except TlsFileError as error:
            return f"{self._problem(error).subject}: {error.cause}"
        return ""

    def changed(self) -> bool:
        """Whether a file on disk is another one than when :meth:`load` succeeded last."""
        return bool(self) and self._now() != self._stamp

    def _now(self) -> list[tuple[int, int, int] | None]:
        return [_stamp_of(path) for path in self.paths.values() if path]

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
            return f"Name a file that holds {_WANTED[error.parameter]}."
        partner = _PARTNER[error.parameter]
        file = "/path/to/client.key" if partner == "client_key" else "/path/to/client.pem"
        if named:
            return f"export {place.replace(error.parameter.upper(), partner.upper())}={file}"
        return f"Write {KEYS[partner].rpartition('.')[2]}: {file} beside it."


def _loaded(paths: Mapping[str, str], *, lenient: bool) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    # Files that are renewed meanwhile: what was checked must be what is used.
    for _ in range(3):
        contents = {parameter: _content(parameter, path) for parameter, path in paths.items() if path}
        for parameter, content in contents.items():
            _look_inside(parameter, content)
        pair = _pair(paths, contents)
        _load(paths, pair, lenient=lenient)
        if contents == {parameter: _content(parameter, path) for parameter, path in paths.items() if path}:
            if pair and not paths["client_key"]:
                contents["client_key"] = contents["client_certificate"]
            return contents
    raise TlsFileError(next(iter(contents)), "it changes while it is read")


def _content(parameter: str, path: str) -> bytes:
    try:
        if Path(path).is_dir():
            raise TlsFileError(parameter, "it is a folder, and not a file")
        if Path(path).exists() and not Path(path).is_file():
            # It might never end.
            raise OSError(EINVAL, "it is not a regular file")
        with Path(path).open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise TlsFileError(parameter, "there is no such file") from None
    except PermissionError:
        raise TlsFileError(parameter, "this user may not read it") from None
    except (OSError, ValueError) as error:
        # ValueError: a path with a null byte.
        raise TlsFileError(parameter, str(getattr(error, "strerror", "") or error)) from None


def _look_inside(parameter: str, content: bytes) -> None:
    if not content.strip():
        raise TlsFileError(parameter, "it is empty")
    blocks = _blocks(content)
    if not blocks:
        der = " (it may be DER)" if content.startswith(b"\x30") else ""
        raise TlsFileError(parameter, f"it holds no PEM{der}")
    certificate, key = any(block.endswith("CERTIFICATE") for block in blocks), _has_key(content)
    if parameter == "client_key" and not key:
        raise TlsFileError(parameter, "it holds a certificate, and no private key" if certificate else _holds(blocks))
    if parameter != "client_key" and not certificate:
        raise TlsFileError(parameter, "it holds a private key, and no certificate" if key else _holds(blocks))


def _pair(paths: Mapping[str, str], contents: Mapping[str, bytes]) -> tuple[str, str] | None:
    """The paths of the client's certificate and its key; ``None`` where neither is set."""
    certificate, key = paths["client_certificate"], paths["client_key"]
    if key and not certificate:
        raise TlsFileError("client_key", "no setting names the certificate that it belongs to", "partner")
    if certificate and not key and not _has_key(contents["client_certificate"]):
        raise TlsFileError("client_certificate", "no setting names its private key", "partner")
    return (certificate, key or certificate) if certificate else None


def _load(paths: Mapping[str, str], pair: tuple[str, str] | None, *, lenient: bool) -> None:
    if paths["certificate"]:
        try:
            _context(lenient).load_verify_locations(cafile=paths["certificate"])
        except (OSError, ValueError) as error:
            raise TlsFileError("certificate", f"it cannot be read as a certificate{_reason(error)}") from None
    if pair is not None:
        try:
            _context(lenient).load_cert_chain(*pair, password=_no_password)
        except (_PasswordError, OSError, ValueError) as error:
            raise _of_the_pair(error, pair, "client_key" if paths["client_key"] else "client_certificate") from None


def _context(lenient: bool) -> ssl.SSLContext:
    # Lazily: an application may still patch it.
    import ssl

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if lenient:
        with contextlib.suppress(ssl.SSLError):
            made.set_ciphers("ALL:@SECLEVEL=0")
    return made


def _of_the_pair(error: Exception, pair: tuple[str, str], holder: str) -> TlsFileError:
    """Which of the client's files is at fault, and why.

    Args:
        holder: the parameter whose file has the key.
    """
    certificate = pair[0]
    if isinstance(error, _PasswordError):
        return TlsFileError(holder, "its private key has a password, which cannot be asked for", "password")
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return TlsFileError(holder, f"it is not the key of the certificate {certificate}")
    try:
        _context(lenient=True).load_verify_locations(cafile=certificate)
    except (OSError, ValueError):
        return TlsFileError("client_certificate", f"it cannot be read as a certificate{_reason(error)}")
    if getattr(error, "reason", None):
        # OpenSSL gives a reason for a certificate that it does not like, and none for a key that it cannot read.
        return TlsFileError("client_certificate", f"the TLS library refuses it{_reason(error)}")
    return TlsFileError(holder, "it cannot be read as a private key")


class _PasswordError(Exception):
    """A key asks for its password."""


def _no_password() -> str:
    raise _PasswordError


def _blocks(content: bytes) -> list[str]:
    return [label.decode("ascii") for label in _BLOCK.findall(content)]


def _has_key(content: bytes) -> bool:
    return any(block.endswith("PRIVATE KEY") for block in _blocks(content))


def _holds(blocks: list[str]) -> str:
    return f"it holds {blocks[0].lower()} only"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return f" ({str(reason).replace('_', ' ').lower()})" if reason else ""


def _stamp_of(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
