"""``distrokit explain --diff``: the differences from a plan without any settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit.cli.output import print_json, print_rows
from distrokit.cli.setting import format_setting
from distrokit.plan.modifications import flat
from distrokit.plan.plan import Plan
from distrokit.settings.known_settings import read_by_instrumentations

#: Parts of a described plan that name the source of a value, not the value.
_ASIDE = ("source", "sources", "overridden", "origin", "plugin", "cause")
_LEFT_OUT = ("schema", "plugins", "problems", "changes", "ignored", "sdk_settings")


def show_difference(bare: Plan, plan: Plan, *, as_json: bool) -> None:
    """Print the differences between two plans."""
    found = difference(bare, plan)
    if as_json:
        print_json({"schema": 1, "differences": found})
    elif found:
        print_rows(
            [(f["path"], f"{_shown(f['default'])} → {_shown(f['value'])}", f["source"] or "") for f in found], ""
        )
    else:
        print("nothing differs from the defaults")


def difference(bare: Plan, plan: Plan) -> list[dict[str, Any]]:
    """Return path, default, value and source of each value that differs; ``None`` for a missing one."""
    before, after = flat(bare.describe()), flat(plan.describe())
    parts = [
        {
            "path": path.removesuffix(".value"),
            "default": before.get(path),
            "value": after.get(path),
            "source": _source(path, after, after.get(path)),
        }
        for path in dict.fromkeys([*before, *after])
        if _shown(before.get(path)) != _shown(after.get(path)) and not _is_aside(path.split("."))
    ]
    return [*parts, *_settings(bare, plan, {part["source"] for part in parts})]


def _settings(bare: Plan, plan: Plan, reported: set[str | None]) -> Iterator[dict[str, Any]]:
    """Yield settings that the SDK, instrumentations and distrokit itself read, and that gave no value to the plan.

    Args:
        reported: the sources of the parts that differ.
    """
    known = {setting.name: setting for setting in plan.known}
    for name in sorted(plan.settings.names_set()):
        setting, value = known.get(name), plan.settings.value(name)
        # A component's setting that gave no value has no effect.
        read = not setting.parameter if setting else read_by_instrumentations(name, plan.known)
        read = read and not any(p.code == "setting-unknown" and p.subject == name for p in plan.problems)
        if value is None or not read or str(value.source) in reported:
            continue
        text = plan.sdk_settings.get(name, value.value)
        default = bare.settings.get(name, setting.default if setting else "")
        if text is not None and text.lower() != default.lower():
            shown = [format_setting(plan, name, each) if each else None for each in (default, text)]
            yield {"path": name, "default": shown[0], "value": shown[1], "source": str(value.source)}


def _is_aside(parts: list[str]) -> bool:
    return parts[0] in _LEFT_OUT or any(part in _ASIDE for part in parts)


def _source(path: str, after: dict[str, Any], value: Any) -> str | None:
    """Return the source of a value, or of the part that contains it."""
    part, _, where = path.rpartition(".")[0].rpartition(".")
    # Keywords of an instrumentation are shown by name only; each has its own source.
    if where in ("options", "init_options") and path.startswith("instrumentations."):
        return after.get(f"{part}.sources.{'init.' if where == 'init_options' else ''}{value}")
    while path:
        path = path.rpartition(".")[0]
        if after.get(f"{path}.source"):
            return str(after[f"{path}.source"])
    return None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None or value in ("", {}, []) else str(value)
