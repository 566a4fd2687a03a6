"""Checks of a plugin's module, with clearer messages than pluggy's own."""

from __future__ import annotations

from collections.abc import Iterator

import pluggy

from distrokit import hookspecs
from distrokit.diagnostics import Problem
from distrokit.hookspecs import PROJECT
from distrokit.plugins.candidates import Plugin
from distrokit.plugins.validation import HookError
from distrokit.settings.suggestions import did_you_mean


def hooks_of(manager: pluggy.PluginManager, name: str) -> tuple[str, ...]:
    """Return the names of the hooks that a registered plugin implements, sorted."""
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return tuple(sorted(caller.name for caller in callers))


def find_deprecated(manager: pluggy.PluginManager, plugin: Plugin) -> Iterator[Problem]:
    """Yield a problem for each deprecated hook or argument of a plugin.

    pluggy's own warning does not name the plugin, and Python hides it.
    """
    for caller in manager.get_hookcallers(manager.get_plugin(plugin.name)) or []:
        for impl in caller.get_hookimpls():
            for used in (caller.name, *(f"{caller.name}({argument})" for argument in impl.argnames)):
                if impl.plugin_name == plugin.name and used in hookspecs.DEPRECATED:
                    yield Problem(
                        code="deprecated",
                        subject=plugin.title,
                        cause=f"it implements {used}, which is deprecated",
                        outcome="it is still called",
                        remedy=hookspecs.DEPRECATED[used],
                        severity="warning",
                    )


def check_shape(manager: pluggy.PluginManager, plugin: Plugin, module: object) -> None:
    """Raise :class:`HookError` for wrappers, unmarked hooks and plugins without hooks, which pluggy accepts."""
    specs = {name for name in vars(hookspecs) if name.startswith(f"{PROJECT}_")}
    for name in dir(module):
        options = manager.parse_hookimpl_opts(module, name)
        hook = (options and options.get("specname")) or name
        if options and hook not in specs and not options.get("optionalhook"):
            raise HookError(f"there is no hook {hook!r}. {did_you_mean(hook, specs)}".rstrip())
    for caller in manager.get_hookcallers(module) or []:
        for impl in caller.get_hookimpls():
            if impl.plugin_name == plugin.name and (impl.wrapper or impl.hookwrapper):
                raise HookError(f"{caller.name} is a hook wrapper; modify the plan in distrokit_plan instead")
    for name in sorted(specs.intersection(dir(module)).difference(plugin.hooks)):
        if callable(getattr(module, name)):
            raise HookError(f"{name} is defined but not marked with @hookimpl")
    if not plugin.hooks:
        raise HookError("it implements no hook; check where @hookimpl is imported from, and what the entry point names")
