"""``distrokit explain --diff``: what differs from a plan that nobody set anything for."""

from __future__ import annotations

from typing import Any

from distrokit.amendments import flat
from distrokit.cli.output import print_json, print_rows
from distrokit.plan import Plan

#: Parts of a described plan that say where a value came from, not what it is.
_ASIDE = ("source", "sources", "overruled", "origin", "plugin", "cause")
_LEFT_OUT = ("schema", "plugins", "problems", "changes", "ignored")


def show_difference(bare: Plan, plan: Plan, *, as_json: bool) -> None:
    """Print it."""
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
    """Path, default, value and source of each value that is not the default's; ``None`` for what is not there."""
    before, after = flat(bare.describe()), flat(plan.describe())
    return [
        {
            "path": path.removesuffix(".value"),
            "default": before.get(path),
            "value": after.get(path),
            "source": _source(path, after, after.get(path)),
        }
        for path in dict.fromkeys([*before, *after])
        if _shown(before.get(path)) != _shown(after.get(path)) and not _is_aside(path.split("."))
    ]


def _is_aside(parts: list[str]) -> bool:
    return parts[0] in _LEFT_OUT or any(part in _ASIDE for part in parts)


def _source(path: str, after: dict[str, Any], value: Any) -> str | None:
    """Of the value itself, or of the part it stands in."""
    part, _, where = path.rpartition(".")[0].rpartition(".")
    # Keywords of an instrumentation are shown by name only, each with a source of its own.
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
