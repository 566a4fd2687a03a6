"""Declares the parts of the guard. Each is off until its setting is set."""

from __future__ import annotations

from distrokit import Processor, Setting, Settings, hookimpl
from distrokit_guard.settings import SETTINGS


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Return the settings of the guard."""
    return list(SETTINGS)


@hookimpl
def distrokit_processors(settings: Settings) -> list[Processor]:
    """Return the processors whose settings are set."""
    return []
