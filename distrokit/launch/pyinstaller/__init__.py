"""What PyInstaller asks for: the folder with ``hook-distrokit.py``, which it runs for programs that import distrokit.

It finds this by the entry point ``hook-dirs`` of the group ``pyinstaller40``.
"""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """This folder."""
    return [str(Path(__file__).resolve().parent)]
