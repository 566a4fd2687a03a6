"""Required processors: without one of them, the signals it was meant for are not exported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from distrokit.declarations import SIGNALS, Signal
from distrokit.diagnostics import Problem
from distrokit.plan.known_packages import REQUIRED_BY_SETTING, find_remedy
from distrokit.plan.plan import Plan, SignalPlan
from distrokit.plan.registry import Registries
from distrokit.plugins.distros import ActiveDistro
from distrokit.settings.layers import Settings
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import Source

SETTING = "DISTROKIT_REQUIRED"


@dataclass(frozen=True)
class RequiredPart:
    """A processor without which telemetry must not leave.

    Attributes:
        name: of the processor, at a stage before ``export``.
        source: who requires it.
        declared: the signals that it was declared for; empty if no plugin declares it.
        by_itself: true if its own declaration requires it; another plugin's of the same name does not do then.
    """

    name: str
    source: Source
    declared: tuple[Signal, ...] = ()
    by_itself: bool = False


def find_required_parts(settings: Settings, distro: ActiveDistro, registries: Registries) -> list[RequiredPart]:
    """Return the parts that the setting, the distro and the declarations themselves require."""
    named = {name.lower(): Source("distro", distro.label) for name in distro.distro.required}
    value = settings.value(SETTING)
    if value is not None:
        # Names are printed; somebody may have pasted a secret there.
        named.update((settings.mask(name.lower()), value.source) for name in settings.names(SETTING))
    for setting, name in REQUIRED_BY_SETTING.items():
        implied = settings.value(setting)
        if implied is not None and implied.value:
            named.setdefault(name, implied.source)
    declared: dict[str, list[Signal]] = {}
    by_itself: set[str] = set()
    for signal in SIGNALS:
        for name, label in registries.required[signal].items():
            named.setdefault(name, Source("plugin", label))
            by_itself.add(name)
        names = {registration.declaration.name.lower() for registration in registries.staged[signal]}
        for name in names.union(registries.required[signal]):
            declared.setdefault(name, []).append(signal)
    return [
        RequiredPart(name, source, tuple(declared.get(name, ())), name in by_itself) for name, source in named.items()
    ]


def withhold_signals(plan: Plan, required: Iterable[RequiredPart]) -> None:
    """Mark each signal that lacks a required part as withheld, with a problem for each part.

    Args:
        required: also those of plugins that failed afterwards and have no declarations any more.
    """
    if plan.disabled.value:
        return
    for part in required:
        plan.required[part.name] = part.source
        meant: tuple[Signal, ...] = part.declared or SIGNALS
        withheld: list[Signal] = [
            name for name in meant if plan.signals[name].built and not _has(plan.signals[name], part)
        ]
        for signal in withheld:
            plan.signals[signal].withheld = f"required processor {part.name} is missing"
        if withheld:
            plan.problems.append(_report(plan, part, withheld))


def _has(planned: SignalPlan, part: RequiredPart) -> bool:
    """Tell whether the plan has the part in front of every exporter."""
    found = [
        processor.declaration
        for processor in planned.processors
        if processor.name.lower() == part.name and (processor.declaration.required or not part.by_itself)
    ]
    if part.by_itself:
        # Its own declaration names the exporters that it is for.
        return bool(found)
    return any(
        all(declaration.stands_before(item.exporter.name) for item in planned.exporters) for declaration in found
    )


def _report(plan: Plan, part: RequiredPart, withheld: Sequence[Signal]) -> Problem:
    failed = next((one for one in plan.plugins if one.name.lower() == part.name and one.status != "loaded"), None)
    idle = [one.name for one in plan.plugins if one.installed and one.status != "loaded"]
    if failed is not None:
        cause, remedy = f"plugin {failed.name} is not loaded: {failed.cause}", f"Repair or unblock plugin {failed.name}"
    elif part.declared:
        cause = "it is declared, and it is not in the plan, or not in front of every exporter"
        remedy = f"Correct the settings of {part.name}"
    elif idle:
        cause = f"no loaded plugin declares a processor of this name; not loaded: {', '.join(idle)}"
        remedy = "Run `distrokit plugins` to see why"
    else:
        cause, remedy = "no loaded plugin declares a processor of this name", "Install the plugin that declares it"
    give_up = _how_to_give_up(part)
    names = {processor.name for planned in plan.signals.values() for processor in planned.processors}
    by_name = did_you_mean(part.name, sorted(names)) or find_remedy("processor", part.name, otherwise=give_up)
    return Problem(
        code="required-missing",
        subject=f"required processor {part.name}",
        cause=f"{cause} ({part.source} requires it)",
        outcome=f"{', '.join(withheld)} are not exported",
        remedy=(by_name if not (failed or part.declared or idle) else "") or f"{remedy}, or {give_up}.",
    )


def _how_to_give_up(part: RequiredPart) -> str:
    source = str(part.source)
    if source in REQUIRED_BY_SETTING:
        return f"unset {source}"
    return f"take it out of {source}" if part.source.chosen else f"do not require it ({source})"
