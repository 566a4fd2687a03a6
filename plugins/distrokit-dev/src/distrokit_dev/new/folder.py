"""Writes a package's folder: all of it, or nothing."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from distrokit_dev.new.refusal import Refused

_REMEDY = "Name another one with --directory."


def check_folder(folder: Path) -> None:
    """Look whether the folder can be made.

    Raises: :class:`Refused` when there is something in it, or nowhere to put it.
    """
    try:
        if folder.is_dir():
            inside = sorted(path.name for path in folder.iterdir())
            if inside:
                raise Refused(f"the folder {str(folder)!r} is not empty: {inside[0]!r} is in it", _REMEDY)
        elif folder.exists() or folder.is_symlink():
            raise Refused(f"{str(folder)!r} is there, and is no folder", _REMEDY)
        elif not folder.parent.is_dir():
            raise Refused(f"there is no folder {str(folder.parent)!r} to put it in", "Make that one first.")
    except (OSError, ValueError) as error:
        raise _impossible(folder, error) from error


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write beside the folder, then move it there: whoever looks sees all of it or nothing.

    Args:
        folder: absolute; not there, or empty.
        files: path inside the folder to text.

    Raises: :class:`Refused` when the disk, or somebody else who was quicker, does not let it be made; then nothing
        of it is left.
    """
    check_folder(folder)
    # One that is there stays: it may be where the user's shell is, or a mount.
    there = folder.is_dir()
    beside = (folder if there else folder.parent) / f".new-{uuid.uuid4().hex[:8]}"
    moved: list[Path] = []
    try:
        for path, text in files.items():
            file = beside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        if there:
            _move_all(beside, folder, moved)
        else:
            beside.rename(folder)
    except BaseException as error:
        for place in moved:
            _remove(place)
        if isinstance(error, (OSError, ValueError)):
            raise _impossible(folder, error) from error
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _move_all(source: Path, folder: Path, moved: list[Path]) -> None:
    for path in sorted(source.iterdir()):
        place = folder / path.name
        if place.exists() or place.is_symlink():
            raise FileExistsError(f"{path.name!r} is in it now")
        path.rename(place)
        moved.append(place)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _impossible(folder: Path, error: Exception) -> Refused:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Refused(f"the folder {str(folder)!r} cannot be made: {why}", _REMEDY)
