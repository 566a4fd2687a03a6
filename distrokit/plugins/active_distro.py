"""The choice of the active distro among distros made of plugins; for others see ``launch/distro_selection``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.plugins.distros import CHOSEN_BY, DEFAULT, DISTRO_GROUP, GROUP, OUR_CLASS, ActiveDistro, Distro, default
from distrokit.plugins.entry_points import EntryPoints, distribution_of
from distrokit.settings.layers import Settings, named_by_user
from distrokit.settings.suggestions import did_you_mean


def names(installed: EntryPoints) -> list[str]:
    """Return the names of the installed distros made of plugins."""
    return list(dict.fromkeys(point.name for point in installed.group(GROUP)))


def chosen(settings: Settings, installed: EntryPoints) -> str:
    """Return the name of the distro to activate: the one that the user names, else the only one, else distrokit."""
    known = names(installed)
    named = named_by_user(settings, CHOSEN_BY)
    if named in known:
        return named
    return known[0] if len(known) == 1 and named != DEFAULT else DEFAULT


def _is_tie(settings: Settings, installed: EntryPoints) -> bool:
    """Tell whether several distros made of plugins are installed and none is named."""
    return len(names(installed)) > 1 and named_by_user(settings, CHOSEN_BY) not in (*names(installed), DEFAULT)


def find_active_distro(
    settings: Settings, installed: EntryPoints, problems: list[Problem], given: Distro | None = None
) -> ActiveDistro:
    """Choose the active distro.

    Args:
        settings: ``OTEL_PYTHON_DISTRO`` is read.
        installed: the entry points to look in.
        problems: receives a tie, and problems of the distro.
        given: a distro given in code, which is active then.
    """
    points = installed.group(GROUP)
    foreign: dict[str, tuple[str, ...]] = {}
    for point in points:
        foreign[distribution_of(point)] = (*foreign.get(distribution_of(point), ()), point.name)
    known = names(installed)
    others = [*known, *(point.name for point in installed.group(DISTRO_GROUP) if point.value != OUR_CLASS)]
    if given is not None:
        active_distro = ActiveDistro(given, "code", "it was given in code", tuple(others), "", foreign)
        problems += _check_distro(active_distro)
        return active_distro
    name = chosen(settings, installed)
    others = [other for other in others if other != name]
    if name == DEFAULT:
        why = ""
        if _is_tie(settings, installed):
            problems.append(_tie(known))
            why = "several distros are installed and none is named"
        if named_by_user(settings, CHOSEN_BY) == DEFAULT:
            why = f"{CHOSEN_BY} names it"
        return ActiveDistro(default().distro, DEFAULT, why or default().why, tuple(others), DEFAULT, foreign)
    point = next(point for point in points if point.name == name)
    named = named_by_user(settings, CHOSEN_BY) == name
    why = f"{CHOSEN_BY} names it" if named else "it is the only distro made of plugins that is installed"
    try:
        distro = point.load()
        if not isinstance(distro, Distro):
            raise TypeError(f"{point.value} is {type(distro).__name__}, not a distrokit.Distro")
        active_distro = ActiveDistro(distro, distribution_of(point) or "unknown", why, tuple(others), name, foreign)
        problems += _check_distro(active_distro, name)
    except BaseException as error:
        contain(error)
        problems.append(
            Problem(
                code="distro-failed",
                subject=f"distro {name} ({distribution_of(point)})",
                cause=describe_exception(error),
                outcome="the installed plugins run without it",
                remedy=f"Repair or uninstall it, or set {CHOSEN_BY}={DEFAULT}.",
                detail=trace_of(error),
            )
        )
        why = f"distro {name} could not be loaded"
        return ActiveDistro(default().distro, DEFAULT, why, (*others, name), DEFAULT, foreign)
    return active_distro


def find_missing(active_distro: ActiveDistro, plugins: list[str]) -> list[Problem]:
    """Return a problem for each plugin that the distro lists and that is not installed."""
    return [
        Problem(
            code="plugin-missing",
            subject=f"distro {active_distro.label}",
            cause=f"it lists the plugin {name!r}, which is not installed",
            outcome="the others are loaded",
            remedy=did_you_mean(name, plugins) or "Install its package, or move it to the distro's optional.",
        )
        for name in active_distro.distro.plugins
        if name not in plugins
    ]


def _check_distro(active_distro: ActiveDistro, name: str | None = None) -> Iterator[Problem]:
    distro = active_distro.distro
    if name is not None and distro.name != name:
        yield Problem(
            code="distro-name",
            subject=f"distro {distro.name} ({active_distro.distribution})",
            cause=f"its entry point is called {name!r}",
            outcome=f"{CHOSEN_BY} takes the entry point's name; telemetry has the distro's",
            remedy="Give both one name.",
            severity="warning",
        )
    if distro.opentelemetry:
        yield from _check_release(active_distro)


def _check_release(active_distro: ActiveDistro) -> Iterator[Problem]:
    # Imported late: few distros name releases.
    from distrokit.plugins.requirements import InvalidRequirement, Specifiers

    found, made_for = _installed_version("opentelemetry-sdk"), active_distro.distro.opentelemetry
    try:
        if not found or Specifiers(made_for).contains(found):
            return
        cause = f"it is made for OpenTelemetry {made_for}, and {found} is installed"
        remedy = f"Update {active_distro.distribution}, or install a matching release of OpenTelemetry."
    except InvalidRequirement:
        cause = f"its opentelemetry={made_for!r} is not a version specifier"
        remedy = "Write it like >=1.43,<1.47."
    yield Problem(
        code="distro-untested",
        subject=f"distro {active_distro.label}",
        cause=cause,
        outcome="it runs anyway",
        remedy=remedy,
        severity="warning",
    )


def _tie(known: list[str]) -> Problem:
    return Problem(
        code="distro-tie",
        subject=f"distros {', '.join(known)}",
        cause="all of them are installed and none is named",
        outcome="none of them is active; distrokit runs with the plugins that belong to no distro",
        remedy=f"Set {CHOSEN_BY} to one of them, or to {DEFAULT}.",
    )


def _installed_version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
