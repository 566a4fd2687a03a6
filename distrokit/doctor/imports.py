"""The modules that the application's own code imports; its files are read, not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Largest number of Python files that are read, and largest size of each in bytes.
_MOST, _LARGEST = 1_000, 1_000_000
#: Folders that do not hold the code that runs.
_ASIDE = {"__pycache__", "build", "dist", "docs", "node_modules", "site-packages", "test", "tests"}
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+(\w[\w., \t]*))", re.MULTILINE)


class Imports:
    """The imports in all Python files in some folders and below.

    Args:
        folders: the home directory and the root are left out.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._where: dict[str, str] = {}
        self._left = _MOST
        for folder in folders:
            if folder not in (Path.home(), Path(folder.anchor)):
                for file in self._files(folder):
                    self._read(file, folder)

    def where(self, module: str) -> str:
        """Return the first place that imports a module: ``shop/views.py:3``; empty for none."""
        return self._where.get(module, "")

    def _files(self, folder: Path) -> Iterator[Path]:
        for top, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if _is_code(Path(top, name)))
            for name in sorted(files):
                if name.endswith(".py") and not name.startswith("test_"):
                    self._left -= 1
                    if self._left < 0:
                        return
                    yield Path(top, name)

    def _read(self, file: Path, folder: Path) -> None:
        try:
            text = file.read_text(encoding="utf-8", errors="replace") if file.stat().st_size <= _LARGEST else ""
        except OSError:
            return
        for found in _IMPORT.finditer(text):
            names = [found[1]] if found[1] else [part.split()[0] for part in found[2].split(",") if part.split()]
            place = f"{file.relative_to(folder)}:{text.count(chr(10), 0, found.start()) + 1}"
            for name in names:
                parts = name.split(".")
                for end in range(1, len(parts) + 1):
                    self._where.setdefault(".".join(parts[:end]), place)


def application_folders(words: Sequence[str]) -> list[Path]:
    """Return the folders of the application's code: the working directory, and that of the script that is run."""
    folders: list[Path] = []
    try:
        folders.append(Path.cwd())
    except OSError:
        # The working directory was deleted.
        return folders
    script = next((Path(word) for word in words[1:] if word.endswith(".py") and Path(word).is_file()), None)
    if script is not None and script.resolve().parent != folders[0]:
        folders.append(script.resolve().parent)
    return folders


def _is_code(folder: Path) -> bool:
    hidden = folder.name.startswith(".")
    return not hidden and folder.name not in _ASIDE and not (folder / "pyvenv.cfg").is_file()
