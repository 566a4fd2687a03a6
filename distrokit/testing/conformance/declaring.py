"""Loaded alone and beside the others, asked twice, and told apart from what was there without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from distrokit.declarations import SIGNALS, Declaration, Setting
from distrokit.diagnostics import Problem
from distrokit.launch.startup import Assembly
from distrokit.plan.component_resolver import ComponentResolver
from distrokit.plan.planner import CONFIG_FILE
from distrokit.plan.registry import Registries
from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import Answer, Plugins
from distrokit.settings.layers import Settings
from distrokit.settings.values import BUILT_IN
from distrokit.testing.conformance.wording import for_author
from distrokit.testing.planning import there

#: The hook that each kind of answer is from.
Answers = dict[str, list[Any]]


def own_plugins(name: str, module: object, environ: Mapping[str, str]) -> Plugins:
    """The plugin by itself, without anything that is installed."""
    return Plugins.load(Settings.from_environ(environ), EntryPoints(), {name: module})


def alone(name: str, module: object, environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the plugin by itself: loaded, asked twice, its parameters read, planned."""
    plugins = own_plugins(name, module, environ)
    settings = Settings.from_environ(environ)
    first = answers_of(plugins, settings)
    if plugins.problems:
        yield from map(for_author, plugins.problems)
        return
    second = answers_of(plugins, settings)
    for hook, answer in first.items():
        if answer != second[hook]:
            yield (
                f"{hook} answers differently when it is called twice: {_short(answer)}, then {_short(second[hook])}; "
                "hooks are called again when another plugin fails. Let the answer depend on the arguments only."
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
    plan = Assembly(dict(environ), {name: module}, EntryPoints(), project=False).plan
    # What it picks may be of other plugins, which are not here; that is looked at beside them.
    for problem in (*problems, *plan.problems):
        if problem.code in ("name-taken", "parameters-failed", "plugin-failed"):
            yield for_author(problem)


def beside(name: str, module: object, environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with everything else installed, and is not without this plugin."""
    others = there([name])
    without = Assembly(dict(environ), None, others, project=False).plan
    plan = Assembly(dict(environ), {name: module}, others, project=False).plan
    before = {str(problem) for problem in without.problems}
    needed = missing_settings(name, module, environ)
    for problem in plan.problems:
        if str(problem) not in before and not names_any(str(problem), needed):
            yield for_author(problem)


def answers_of(plugins: Plugins, settings: Settings) -> Answers:
    """What each hook that declares answers, in a form that can be compared: factories are only there, or not."""
    given: dict[str, list[Answer] | list[Setting]] = {
        "distrokit_settings": plugins.settings(),
        "distrokit_defaults": plugins.defaults(settings),
        "distrokit_overrides": plugins.overrides(settings),
        **plugins.declarations(settings),
    }
    return {
        hook: [_comparable(answer.value if isinstance(answer, Answer) else answer) for answer in answers]
        for hook, answers in given.items()
    }


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, (Setting, Declaration)):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        return (type(value).__name__, {name: "…" if callable(part) else part for name, part in parts.items()})
    return value


def _short(answer: object) -> str:
    text = repr(answer)
    return text if len(text) <= 200 else f"{text[:199]}…"


def own_settings(name: str, module: object, environ: Mapping[str, str]) -> list[Setting]:
    """The variables that the plugin says it reads."""
    return own_plugins(name, module, environ).settings()


def missing_settings(name: str, module: object, environ: Mapping[str, str]) -> list[str]:
    """Of those, what it is not given; and the file, where only a file can say something."""
    read = [*(setting.name for setting in own_settings(name, module, environ)), CONFIG_FILE]
    return [name for name in read if not environ.get(name, "").strip()]


def names_any(text: str, settings: list[str]) -> bool:
    """Whether a message names one of these settings: then its reader knows what to do."""
    return any(setting in text for setting in settings)
