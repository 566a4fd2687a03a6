"""Writes a package's folder: completely or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from distrokit_dev.new.refusal import Refused

_REMEDY = "Choose another one with --directory."


def check_folder(folder: Path) -> None:
    """Check that the folder can be created.

    Raises: :class:`Refused` if it is not empty, or its parent does not exist.
    """
    try:
        if folder.is_dir():
            inside = sorted(path.name for path in folder.iterdir())
            if inside:
                raise Refused(f"the folder {str(folder)!r} is not empty: {inside[0]!r} is in it", _REMEDY)
        elif folder.exists() or folder.is_symlink():
            raise Refused(f"{str(folder)!r} exists and is not a folder", _REMEDY)
        elif not folder.parent.is_dir():
            raise Refused(f"the folder {str(folder.parent)!r} does not exist", "Create it first.")
    except (OSError, ValueError) as error:
        raise _refusal(folder, error) from error


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files to a temporary folder, then move it into place, so that it is never seen incomplete.

    Args:
        folder: absolute; missing or empty.
        files: path inside the folder to text.

    Raises: :class:`Refused` if it cannot be created, or another process created it meanwhile; then nothing is left.
    """
    check_folder(folder)
    # Keep an existing folder: it may be a mount, or a shell's working directory.
    exists = folder.is_dir()
    beside = (folder if exists else folder.parent) / f".new-{uuid.uuid4().hex[:8]}"
    moved: list[Path] = []
    try:
        for path, text in files.items():
            file = beside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        if exists:
            _move_all(beside, folder, moved)
        else:
            beside.rename(folder)
    except BaseException as error:
        for place in moved:
            _remove(place)
        if isinstance(error, (OSError, ValueError)):
            raise _refusal(folder, error) from error
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _move_all(source: Path, folder: Path, moved: list[Path]) -> None:
    for path in sorted(source.iterdir()):
        place = folder / path.name
        if place.exists() or place.is_symlink():
            raise FileExistsError(f"{path.name!r} exists now")
        path.rename(place)
        moved.append(place)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _refusal(folder: Path, error: Exception) -> Refused:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Refused(f"the folder {str(folder)!r} cannot be created: {why}", _REMEDY)
