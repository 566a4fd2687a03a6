"""Loads certificate and key files as TLS does, and describes their faults.

For some faulty files grpcio aborts the process; for most, OpenSSL's message is just "PEM lib".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from errno import EINVAL
from pathlib import Path
from typing import TYPE_CHECKING

from distrokit import Problem

if TYPE_CHECKING:
    import ssl

#: Size of a file in bytes. A bundle of all public CAs has a fifth of a megabyte.
_LARGEST = 16_000_000
_BLOCK = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----", re.MULTILINE)


class TlsFileError(Exception):
    """A file that TLS cannot use.

    Args:
        parameter: ``certificate``, ``client_key`` or ``client_certificate``.
        cause: the fault.
        kind: ``partner`` when the setting for the matching key or certificate is missing, ``password`` for an encrypted
            key; else empty.

    Attributes:
        problem: the problem in the plan; set by :class:`~distrokit_otlp.tls.files.TlsFiles`.
    """

    problem: Problem

    def __init__(self, parameter: str, cause: str, kind: str = "") -> None:
        super().__init__(cause)
        self.parameter, self.cause, self.kind = parameter, cause, kind


def load_files(paths: Mapping[str, str], *, lenient: bool = False) -> tuple[dict[str, bytes], ssl.SSLContext]:
    """Return the content of each file that is set, and a client's TLS context that has loaded them.

    Of a client's key in the certificate's file, the content is returned twice.

    Args:
        paths: by parameter; empty when not set.
        lenient: accept keys and signatures that the system's OpenSSL considers weak, as grpcio's TLS library does.

    Raises: ``TlsFileError`` when TLS cannot use a file.
    """
    contents: dict[str, bytes] = {}
    # Files may be renewed meanwhile: the contents that are used must be those that were checked.
    for _ in range(3):
        contents = {parameter: _read(parameter, path) for parameter, path in paths.items() if path}
        for parameter, content in contents.items():
            _check_content(parameter, content)
        pair = _find_pair(paths, contents)
        context = _load(paths, pair, lenient=lenient)
        if contents == {parameter: _read(parameter, path) for parameter, path in paths.items() if path}:
            if pair and not paths["client_key"]:
                contents["client_key"] = contents["client_certificate"]
            return contents, context
    raise TlsFileError(next(iter(contents)), "it changed while it was read")


def _read(parameter: str, path: str) -> bytes:
    try:
        if Path(path).is_dir():
            raise TlsFileError(parameter, "it is a folder, not a file")
        if Path(path).exists() and not Path(path).is_file():
            # Reading a pipe or device might never end.
            raise OSError(EINVAL, "it is not a regular file")
        with Path(path).open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise TlsFileError(parameter, "there is no such file") from None
    except PermissionError:
        raise TlsFileError(parameter, "this user is not allowed to read it") from None
    except (OSError, ValueError) as error:
        # ValueError: a path with a null byte.
        raise TlsFileError(parameter, str(getattr(error, "strerror", "") or error)) from None


def _check_content(parameter: str, content: bytes) -> None:
    if not content.strip():
        raise TlsFileError(parameter, "it is empty")
    blocks = _blocks(content)
    if not blocks:
        der = " (it may be DER)" if content.startswith(b"\x30") else ""
        raise TlsFileError(parameter, f"it holds no PEM{der}")
    certificate, key = any(block.endswith("CERTIFICATE") for block in blocks), _has_key(content)
    if parameter == "client_key" and not key:
        raise TlsFileError(
            parameter, "it holds a certificate, but no private key" if certificate else _describe_blocks(blocks)
        )
    if parameter != "client_key" and not certificate:
        raise TlsFileError(parameter, "it holds a private key, but no certificate" if key else _describe_blocks(blocks))


def _find_pair(paths: Mapping[str, str], contents: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Return the paths of the client's certificate and key; ``None`` when neither is set."""
    certificate, key = paths["client_certificate"], paths["client_key"]
    if key and not certificate:
        raise TlsFileError("client_key", "no setting names the certificate that it belongs to", "partner")
    if certificate and not key and not _has_key(contents["client_certificate"]):
        raise TlsFileError("client_certificate", "no setting names its private key", "partner")
    return (certificate, key or certificate) if certificate else None


def _load(paths: Mapping[str, str], pair: tuple[str, str] | None, *, lenient: bool) -> ssl.SSLContext:
    context = _make_context(lenient)
    if paths["certificate"]:
        try:
            context.load_verify_locations(cafile=paths["certificate"])
        except (OSError, ValueError) as error:
            raise TlsFileError("certificate", f"it cannot be read as a certificate{_reason(error)}") from None
    if pair is not None:
        try:
            context.load_cert_chain(*pair, password=_no_password)
        except (_PasswordError, OSError, ValueError) as error:
            raise _explain_pair_error(
                error, pair, "client_key" if paths["client_key"] else "client_certificate"
            ) from None
    return context


def _make_context(lenient: bool) -> ssl.SSLContext:
    # Imported late: an application may still patch it.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if lenient:
        with contextlib.suppress(ssl.SSLError):
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _explain_pair_error(error: Exception, pair: tuple[str, str], holder: str) -> TlsFileError:
    """Return the error for the client's file that is at fault.

    Args:
        holder: the parameter whose file has the key.
    """
    certificate = pair[0]
    if isinstance(error, _PasswordError):
        return TlsFileError(holder, "its private key has a password, which is not supported", "password")
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return TlsFileError(holder, f"it is not the key of the certificate {certificate}")
    try:
        _make_context(lenient=True).load_verify_locations(cafile=certificate)
    except (OSError, ValueError):
        return TlsFileError("client_certificate", f"it cannot be read as a certificate{_reason(error)}")
    if getattr(error, "reason", None):
        # OpenSSL gives a reason for a rejected certificate, and none for an unreadable key.
        return TlsFileError("client_certificate", f"the TLS library rejects it{_reason(error)}")
    return TlsFileError(holder, "it cannot be read as a private key")


class _PasswordError(Exception):
    """A key is encrypted with a password."""


def _no_password() -> str:
    raise _PasswordError


def _blocks(content: bytes) -> list[str]:
    return [label.decode("ascii") for label in _BLOCK.findall(content)]


def _has_key(content: bytes) -> bool:
    return any(block.endswith("PRIVATE KEY") for block in _blocks(content))


def _describe_blocks(blocks: list[str]) -> str:
    return f"it holds {blocks[0].lower()} only"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return f" ({str(reason).replace('_', ' ').lower()})" if reason else ""
