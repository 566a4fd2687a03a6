"""Checks the hooks that declare: the plugin alone, called twice, and together with the installed plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from distrokit.declarations import SIGNALS, Declaration, Setting
from distrokit.diagnostics import Problem
from distrokit.launch.assembly import plan_for
from distrokit.plan.component_resolver import ComponentResolver
from distrokit.plan.planner import CONFIG_FILE
from distrokit.plan.registry import Registries
from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import HookResult, Plugins
from distrokit.settings.layers import Settings
from distrokit.settings.values import BUILT_IN
from distrokit.testing.conformance.wording import for_author
from distrokit.testing.planning import installed_without

#: Results by hook.
Results = dict[str, list[Any]]


def own_plugins(name: str, module: object, environ: Mapping[str, str]) -> Plugins:
    """Load the plugin alone, without installed plugins."""
    return Plugins.load(Settings.from_environ(environ), EntryPoints(), {name: module})


def check_alone(name: str, module: object, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield findings about the plugin alone: load it, call its hooks twice, read its parameters, plan."""
    plugins = own_plugins(name, module, environ)
    settings = Settings.from_environ(environ)
    first = results_of(plugins, settings)
    if plugins.problems:
        yield from map(for_author, plugins.problems)
        return
    second = results_of(plugins, settings)
    for hook, result in first.items():
        if result != second[hook]:
            yield (
                f"{hook} returns different results when it is called twice: {_short(result)}, then "
                f"{_short(second[hook])}; hooks are called again when another plugin fails. The "
                "result must depend on the arguments only."
            )
    problems: list[Problem] = []
    registries = Registries.of(plugins.declarations(settings), problems)
    resolver = ComponentResolver(settings, registries, problems)
    for registry in registries.registries():
        for registration in registry.registrations.values():
            resolver.component(registration, BUILT_IN, registry.signal)
    for signal in SIGNALS:
        for registration in registries.staged[signal]:
            resolver.component(registration, BUILT_IN, signal)
    plan = plan_for(dict(environ), {name: module}, EntryPoints(), project=False).plan
    # It may select components of other plugins; check_with_installed covers that.
    for problem in (*problems, *plan.problems):
        if problem.code in ("name-taken", "parameters-failed", "plugin-failed"):
            yield for_author(problem)


def check_with_installed(name: str, module: object, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield problems of a plan with all installed plugins that a plan without this plugin does not have."""
    others = installed_without([name])
    without = plan_for(dict(environ), None, others, project=False).plan
    plan = plan_for(dict(environ), {name: module}, others, project=False).plan
    before = {str(problem) for problem in without.problems}
    excuses = missing_settings(name, module, environ)
    for problem in plan.problems:
        if str(problem) not in before and not names_any(str(problem), excuses):
            yield for_author(problem)


def results_of(plugins: Plugins, settings: Settings) -> Results:
    """Call the hooks that declare; return results that can be compared: factories are replaced by a mark."""
    results: dict[str, list[HookResult] | list[Setting]] = {
        "distrokit_settings": plugins.settings(),
        "distrokit_defaults": plugins.defaults(settings),
        "distrokit_overrides": plugins.overrides(settings),
        **plugins.declarations(settings),
    }
    return {
        hook: [_comparable(answer.value if isinstance(answer, HookResult) else answer) for answer in answers]
        for hook, answers in results.items()
    }


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, (Setting, Declaration)):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        return (type(value).__name__, {name: "…" if callable(part) else part for name, part in parts.items()})
    return value


def _short(result: object) -> str:
    text = repr(result)
    return text if len(text) <= 200 else f"{text[:199]}…"


def own_settings(name: str, module: object, environ: Mapping[str, str]) -> list[Setting]:
    """Return the settings that the plugin declares."""
    return own_plugins(name, module, environ).settings()


def missing_settings(name: str, module: object, environ: Mapping[str, str]) -> list[str]:
    """Return its settings that are not set, and ``OTEL_CONFIG_FILE`` if that is not set."""
    read = [*(setting.name for setting in own_settings(name, module, environ)), CONFIG_FILE]
    return [name for name in read if not environ.get(name, "").strip()]


def names_any(text: str, settings: list[str]) -> bool:
    """True if a message names one of these settings, so that its reader knows what to do."""
    return any(setting in text for setting in settings)
