"""The settings of the guard."""

from __future__ import annotations

from distrokit import Setting

SETTINGS: tuple[Setting, ...] = ()
