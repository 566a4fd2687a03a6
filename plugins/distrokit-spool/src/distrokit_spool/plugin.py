"""Puts a spool in front of every exporter that pushes, when ``DISTROKIT_SPOOL_DIRECTORY`` is set."""

from __future__ import annotations

from collections import Counter
from typing import Any

from distrokit import Check, Setting, hookimpl
from distrokit_spool.settings import SETTINGS, read

#: These exporters write to this machine, so a spool would write everything twice; or they are scraped.
_NOT_SPOOLED = frozenset({"console", "otlp_file", "otlp/stdout", "otlp_json_file", "prometheus"})


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Return the settings of the spool."""
    return list(SETTINGS)


# trylast: exporters that other plugins add get a spool, too.
@hookimpl(trylast=True)
def distrokit_plan(plan: Any) -> None:
    """Wrap the exporters' declarations; without a directory, import nothing more."""
    if not plan.settings.get("DISTROKIT_SPOOL_DIRECTORY"):
        return
    parameters, problems = read(plan.settings)
    plan.problems.extend(problems)
    if not parameters:
        return
    from distrokit_spool.declaration import add_spool

    for planned in plan.signals.values():
        names: Counter[str] = Counter()
        for item in planned.exporters:
            exporter = item.exporter
            # An exporter without a processor is scraped.
            if item.processor is None or exporter.declaration.name in _NOT_SPOOLED:
                continue
            names[exporter.name] += 1
            exporter.declaration = add_spool(exporter.declaration, names[exporter.name])
            exporter.parameters.update(parameters)


@hookimpl
def distrokit_checks(plan: Any) -> list[Check]:
    """Check the directory, and count the queued items."""
    if not plan.settings.get("DISTROKIT_SPOOL_DIRECTORY"):
        return []
    from distrokit_spool.checks import checks

    return list(checks(plan))
