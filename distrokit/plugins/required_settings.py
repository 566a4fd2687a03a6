"""The check of settings that plugins require."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from distrokit.declarations import Setting
from distrokit.diagnostics import Problem
from distrokit.plugins.candidates import Plugin
from distrokit.settings.layers import Settings, is_secret


def find_missing_settings(
    declared: Iterable[tuple[Plugin, Setting]], settings: Settings, *, with_file: bool
) -> Iterator[Problem]:
    """Yield a problem for each required setting of a loaded plugin that has no value.

    Args:
        declared: each setting with its owner.
        with_file: true if there is a configuration file, which replaces some settings.
    """
    for plugin, setting in declared:
        if not setting.required or plugin.status != "loaded" or (with_file and setting.ignored_with_file):
            continue
        in_file = is_secret(setting.name) and settings.lookup(f"{setting.name}_FILE")
        if not settings.lookup(setting.name) and not in_file:
            yield Problem(
                code="setting-missing",
                subject=setting.name,
                cause=f"{plugin.title} requires it, and it is not set",
                outcome=f"plugin {plugin.name} may not work",
                remedy=setting.remedy or f"Set {setting.name}.",
            )
