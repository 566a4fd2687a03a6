"""Makes plans in this process: no globals, no network, nothing installed but what is named."""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import entry_points

import distrokit_batch.plugin
import distrokit_components.plugin
import distrokit_otlp.plugin
import distrokit_resource.plugin
from distrokit.hookspecs import hookimpl
from distrokit.instrumentation import Applier
from distrokit.launch.assembly import Assembly, plan_for
from distrokit.lazy.import_hook import ImportHook
from distrokit.plan.plan import Plan
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.values import BUILT_IN, Value

DEFAULTS = {
    "batch": distrokit_batch.plugin,
    "components": distrokit_components.plugin,
    "otlp": distrokit_otlp.plugin,
    "resource": distrokit_resource.plugin,
}
# Only from OpenTelemetry 1.44 on.
with suppress(ModuleNotFoundError):
    DEFAULTS["yaml"] = importlib.import_module("distrokit_yaml.plugin")


def plugin(**hooks: Callable[..., object]) -> types.ModuleType:
    """A plugin of plain functions: ``plugin(distrokit_defaults=lambda: {...})``."""
    module = types.ModuleType("a_plugin")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


#: What is installed here, without distrokit's own plugins: those are given by name.
INSTALLED = EntryPoints(p for group in entry_points().groups - {"distrokit"} for p in entry_points(group=group))


def assembled(environ: Mapping[str, str] | None = None, **plugins: object) -> Assembly:
    """The default plugins and these, in this environment."""
    return plan_for(environ or {}, {**DEFAULTS, **plugins}, INSTALLED)


def planned(environ: Mapping[str, str] | None = None, **plugins: object) -> Plan:
    """The plan of :func:`assembled`."""
    return assembled(environ, **plugins).plan


def problems(plan: Plan) -> list[str]:
    """The plan's problems as they are printed."""
    return [str(problem) for problem in plan.problems]


def apply_all(plan):
    """Apply all instrumentations of a plan now, as with ``DISTROKIT_LAZY=0``."""
    plan.lazy = Value(False, BUILT_IN)
    Applier(plan, ImportHook(lambda triggers, may_wait: None)).apply_all()
