"""What a plugin's module must look like; said in words that help, before pluggy says it in its own."""

from __future__ import annotations

from collections.abc import Iterator

import pluggy

from distrokit import hookspecs
from distrokit.diagnostics import Problem, did_you_mean
from distrokit.hookspecs import PROJECT
from distrokit.plugins.candidates import Plugin
from distrokit.plugins.validation import HookError


def hooks_of(manager: pluggy.PluginManager, name: str) -> tuple[str, ...]:
    """The hooks a registered plugin implements."""
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return tuple(sorted(caller.name for caller in callers))


def deprecated(manager: pluggy.PluginManager, plugin: Plugin) -> Iterator[Problem]:
    """What it implements that will be gone. pluggy's own warning would not say whose it is, and Python hides it."""
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
    """What pluggy lets pass: wrappers, unmarked functions, and a plugin without a single hook."""
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
