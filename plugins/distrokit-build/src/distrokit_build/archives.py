"""Packs a folder; the same folder gives the same bytes."""

from __future__ import annotations

import gzip
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from distrokit_build.errors import BuildError

#: The earliest date that a zip archive can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_SECONDS = 315532800

#: Starts a function of AWS Lambda with the layer, as AWS_LAMBDA_EXEC_WRAPPER.
_WRAPPER = """#!/bin/sh
export PYTHONPATH="/opt/{prefix}${{PYTHONPATH:+:$PYTHONPATH}}"
exec "$@"
"""


def check_prefix(prefix: str) -> str:
    """Return the folder in an archive, without slashes around it. Raises: :class:`BuildError`."""
    parts = prefix.strip("/").split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", part) for part in parts):
        raise BuildError(f"--prefix {prefix!r} is no folder of letters, digits, dots and dashes", "Correct the option.")
    return "/".join(parts)


def check_archive(path: Path, target: Path | None) -> None:
    """Raise :class:`BuildError` if no such archive can be written, or if the target would replace it."""
    if target is not None and (path == target or target in path.parents):
        raise BuildError(f"--archive {path} is in the folder that is built", "Choose another place.")
    if not path.name.endswith((".tar.gz", ".tgz", ".zip")):
        raise BuildError(f"--archive {path}: it ends in neither .tar.gz nor .zip", "Correct the option.")


def pack(folder: Path, path: Path, prefix: str) -> None:
    """Write a folder to an archive, all of it below a prefix.

    ``.tar.gz`` is a layer of a container image. ``.zip`` is a layer for AWS Lambda, which unpacks it in ``/opt``; it
    has a script, too, that AWS_LAMBDA_EXEC_WRAPPER names.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name.endswith(".zip"):
            _zip(folder, part, prefix)
        else:
            _tar(folder, part, prefix)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        yield f"{prefix}/{path.relative_to(folder).as_posix()}", path


def _tar(folder: Path, path: Path, prefix: str) -> None:
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=_SECONDS) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, source in (*_folders(prefix), *_entries(folder, prefix)):
            info = tarfile.TarInfo(name)
            info.mtime = _SECONDS
            if source is None or source.is_dir():
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            else:
                info.size, info.mode = source.stat().st_size, 0o644
                with source.open("rb") as data:
                    archive.addfile(info, data)


def _folders(prefix: str) -> Iterator[tuple[str, None]]:
    parts = prefix.split("/")
    for at in range(len(parts)):
        yield "/".join(parts[: at + 1]), None


def _zip(folder: Path, path: Path, prefix: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in _entries(folder, prefix):
            if source.is_file():
                _add(archive, name, source.read_bytes(), 0o644)
        _add(archive, "distrokit-attach", _WRAPPER.format(prefix=prefix).encode(), 0o755)


def _add(archive: zipfile.ZipFile, name: str, data: bytes, mode: int) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = (0o100000 | mode) << 16
    archive.writestr(info, data)
