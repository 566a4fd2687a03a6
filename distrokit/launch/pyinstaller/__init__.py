"""The folder with ``hook-distrokit.py``, which PyInstaller runs for programs that import distrokit.

PyInstaller finds it by the entry point ``hook-dirs`` of the group ``pyinstaller40``.
"""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return this folder."""
    return [str(Path(__file__).resolve().parent)]
