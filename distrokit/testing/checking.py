"""Whether a plugin keeps what plugins promise."""

from __future__ import annotations

from collections.abc import Mapping


def check_plugin(module: object, name: str | None = None, *, environ: Mapping[str, str] | None = None) -> None:
    """Raises an ``AssertionError`` with every finding."""
