"""Settings from ``pyproject.toml``, and from variables with deprecated names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from distrokit.diagnostics import Problem
from distrokit.settings.environ import settable
from distrokit.settings.frozen_programs import to_install
from distrokit.settings.layers import Layer, Settings
from distrokit.settings.object_references import is_object_reference
from distrokit.settings.settings_in_files import (
    environment_only,
    is_of_one_instrumentation,
    own_name,
    own_text,
    runs_code,
)
from distrokit.settings.values import Source

NAME = "pyproject.toml"
#: In bytes; a larger file is not read.
LARGEST = 1_000_000

#: The suffix of keywords that take a callable.
_HOOK = "_hook"

_RENAMED = {"OTEL_EXPERIMENTAL_CONFIG_FILE": "OTEL_CONFIG_FILE"}


def with_project(settings: Settings, problems: list[Problem], directory: Path | None = None) -> Settings:
    """Return these settings on top of ``[tool.distrokit]`` of the nearest ``pyproject.toml``.

    The table can have distrokit's own settings only, by their short names: ``strict = true``. A file that
    cannot be read is skipped without a problem: it belongs to other tools, which report it.

    Args:
        problems: receives settings that the table must not have, and a table that this Python cannot read.
        directory: the first folder to look in; its parents follow. ``None`` for the working directory.
    """
    try:
        here = directory or Path.cwd()
    except OSError:
        # The working directory was deleted.
        return settings
    for folder in (here, *here.parents):
        table = _table(folder / NAME, problems)
        if table is not None:
            path = str(folder / NAME)
            values = {own_name(key): own_text(own_name(key), value) for key, value in table.items()}
            sources = {own_name(key): Source("project", f"{path}, {key}") for key in table}
            refused = {name: p for name, text in values.items() if (p := _check_code(name, text, sources[name]))}
            problems += refused.values()
            values = {name: text for name, text in values.items() if settable(name, text) and name not in refused}
            return settings.with_layers(Layer(Source("project", path), values, sources))
    return settings


def _check_code(name: str, text: str, source: Source) -> Problem | None:
    """Return a problem if a setting names code: write access to a parent folder must not imply code execution."""
    names_code = is_of_one_instrumentation(name) and (
        is_object_reference(text.strip()) or "import:" in text or _HOOK in name.lower() or _HOOK in text.lower()
    )
    return runs_code(name, source) if names_code else environment_only(name, source)


def with_old_names(settings: Settings) -> Settings:
    """Return settings in which a variable with a deprecated name is a default for its present name."""
    values = {new: settings.get(old) for old, new in _RENAMED.items() if settings.get(old)}
    if not values:
        return settings
    sources = {new: Source("environment", old) for old, new in _RENAMED.items()}
    return settings.with_layers(Layer(Source("project", "environment"), values, sources))


def _table(path: Path, problems: list[Problem]) -> Mapping[str, Any] | None:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    # Parsing is too slow for every start, and few projects have the table.
    if "tool.distrokit" not in text:
        return None
    try:
        table = _toml_loads()(text).get("tool", {}).get("distrokit")
    except (ValueError, AttributeError):
        return None
    except ModuleNotFoundError:
        problems.append(
            Problem(
                code="project-unread",
                subject=str(path),
                cause="Python 3.10 cannot read TOML by itself",
                outcome="[tool.distrokit] has no effect",
                remedy=to_install("tomli", otherwise="use environment variables"),
                severity="warning",
            )
        )
        return None
    return table if isinstance(table, dict) else None


def _toml_loads() -> Callable[[str], dict[str, Any]]:
    loads: Callable[[str], dict[str, Any]] = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads
    return loads
