"""Loads files of certificates and keys as TLS loads them, and says in plain words what is wrong with one.

grpc aborts the process for some of them, and OpenSSL says "PEM lib" for most.
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

#: In bytes. A bundle with the authorities of the whole web has a fifth of a megabyte.
_LARGEST = 16_000_000
_BLOCK = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----", re.MULTILINE)


class TlsFileError(Exception):
    """A file that TLS cannot use.

    Args:
        parameter: ``certificate``, ``client_key`` or ``client_certificate``.
        cause: the fault in plain words.
        kind: ``partner`` when the setting beside it is missing, ``password`` for an encrypted key; else empty.

    Attributes:
        problem: the same for the plan; set by :class:`~distrokit_otlp.tls_files.TlsFiles`.
    """

    problem: Problem

    def __init__(self, parameter: str, cause: str, kind: str = "") -> None:
        super().__init__(cause)
        self.parameter, self.cause, self.kind = parameter, cause, kind


def load_contents(paths: Mapping[str, str], *, lenient: bool) -> dict[str, bytes]:
    """The content of each file that is set; of the client's key also where it stands in the certificate's file.

    Args:
        paths: by parameter; empty where none is set.
        lenient: allow keys and signatures that the system's OpenSSL holds for weak, as grpc's TLS library does.

    Raises: ``TlsFileError`` when TLS could not use them.
    """
    contents: dict[str, bytes] = {}
    # Files that are renewed meanwhile: what was checked must be what is used.
    for _ in range(3):
        contents = {parameter: _read(parameter, path) for parameter, path in paths.items() if path}
        for parameter, content in contents.items():
            _check_content(parameter, content)
        pair = _find_pair(paths, contents)
        _load(paths, pair, lenient=lenient)
        if contents == {parameter: _read(parameter, path) for parameter, path in paths.items() if path}:
            if pair and not paths["client_key"]:
                contents["client_key"] = contents["client_certificate"]
            return contents
    raise TlsFileError(next(iter(contents)), "it changes while it is read")


def _read(parameter: str, path: str) -> bytes:
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
            parameter, "it holds a certificate, and no private key" if certificate else _describe_blocks(blocks)
        )
    if parameter != "client_key" and not certificate:
        raise TlsFileError(parameter, "it holds a private key, and no certificate" if key else _describe_blocks(blocks))


def _find_pair(paths: Mapping[str, str], contents: Mapping[str, bytes]) -> tuple[str, str] | None:
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
            _make_context(lenient).load_verify_locations(cafile=paths["certificate"])
        except (OSError, ValueError) as error:
            raise TlsFileError("certificate", f"it cannot be read as a certificate{_reason(error)}") from None
    if pair is not None:
        try:
            _make_context(lenient).load_cert_chain(*pair, password=_no_password)
        except (_PasswordError, OSError, ValueError) as error:
            raise _explain_pair_error(
                error, pair, "client_key" if paths["client_key"] else "client_certificate"
            ) from None


def _make_context(lenient: bool) -> ssl.SSLContext:
    # Lazily: an application may still patch it.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if lenient:
        with contextlib.suppress(ssl.SSLError):
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _explain_pair_error(error: Exception, pair: tuple[str, str], holder: str) -> TlsFileError:
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
        _make_context(lenient=True).load_verify_locations(cafile=certificate)
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


def _describe_blocks(blocks: list[str]) -> str:
    return f"it holds {blocks[0].lower()} only"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return f" ({str(reason).replace('_', ' ').lower()})" if reason else ""
