"""Lets plugins modify the plan one by one, records the changes, and discards those of a plugin that fails."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from distrokit.declarations import SIGNALS, D
from distrokit.diagnostics import Problem
from distrokit.plan.plan import (
    Change,
    Component,
    ExporterPlan,
    InstrumentationPlan,
    Plan,
    PolicyPlan,
    ResourcePlan,
    SignalPlan,
    ViewPlan,
)
from distrokit.plugins.manager import Plugin, Plugins
from distrokit.plugins.validation import validate
from distrokit.settings.layers import Settings
from distrokit.settings.reader import Reader
from distrokit.settings.secret_values import secrets_inside
from distrokit.settings.values import Source, Value


def modify(plan: Plan, plugins: Plugins) -> Plan:
    """Call every ``distrokit_plan``, each with a copy of the plan; return the modified plan.

    A plugin that raises, or leaves a plan that cannot be built, is left out, and its copy is discarded.
    """
    for plugin in plugins.implementing("distrokit_plan"):
        before = flat(plan.describe())
        modified = plan.copy()
        modified.new_component = partial(_new_component, plugin.label)
        if not plugins.modify(plugin, modified):
            continue
        try:
            _adopt(modified, plan, Source("plugin", plugin.label))
            after = flat(modified.describe())
        except Exception as error:
            # A plan that cannot be described cannot be built.
            plugins.leave_out(plugin, "distrokit_plan", error)
            continue
        modified.new_component = None
        modified.changes = [*plan.changes, *_changes(plugin, before, after), *_order_changes(plugin, plan, modified)]
        plan = modified
    return plan


def _new_component(
    label: str, settings: Settings, hook: str, declaration: D
) -> tuple[Component[D] | None, list[Problem]]:
    """Make a component of a declaration that a plugin adds to the plan, and read its parameters.

    Without a component when they refuse it.
    """
    validate(hook, declaration)
    reader = Reader(settings, label, name=declaration.name)
    read = getattr(declaration, "parameters", None)
    parameters = dict(read(reader)) if read else {}
    component = None if reader.refused else Component(declaration, label, Source("plugin", label), parameters)
    return component, reader.problems


def _adopt(plan: Plan, before: Plan, source: Source) -> None:
    """Give plain values the plugin as their source, and check that the plan can be built.

    A plugin can add problems, but not remove those of others.

    Raises:
        TypeError: a part of the plan has the wrong type; the message names the part.
    """
    added = [problem for problem in plan.problems if isinstance(problem, Problem)]
    plan.problems = [*before.problems, *(problem for problem in added if problem not in before.problems)]
    plan.plugins, plan.settings = before.plugins, before.settings
    _expect(plan.resource, ResourcePlan, "plan.resource")
    _adopt_values(plan.resource.attributes, source)
    if not isinstance(plan.disabled, Value):
        plan.disabled = Value(bool(plan.disabled), source)
    if not isinstance(plan.resource.timeout_millis, Value):
        plan.resource.timeout_millis = Value(int(plan.resource.timeout_millis), source)
    if not isinstance(plan.exit_timeout_millis, Value):
        plan.exit_timeout_millis = Value(int(plan.exit_timeout_millis), source)
    for name in ("sampler", "id_generator"):
        if getattr(plan, name) is not None:
            _expect(getattr(plan, name), Component, f"plan.{name}")
    for setting, text in plan.sdk_settings.items():
        _expect(text, (str, type(None)), f"plan.sdk_settings[{setting!r}]")
    _check_signals(plan)
    for component in plan.components():
        _expect(component, Component, "a component of the plan")
        _adopt_values(component.parameters, source)
    for view in plan.views:
        _expect(view, ViewPlan, "a view of the plan")
    for policy in plan.policies:
        _expect(policy, PolicyPlan, "a policy of the plan")
    _adopt_instrumentations(plan, before, source)


def _adopt_instrumentations(plan: Plan, before: Plan, source: Source) -> None:
    for name, item in plan.instrumentations.items():
        _expect(item, InstrumentationPlan, f"plan.instrumentations[{name!r}]")
        item.adopt(before.instrumentations.get(name), source)
        for text in secrets_inside("", item.keywords):
            plan.settings.learn_secret(text)


def _check_signals(plan: Plan) -> None:
    if tuple(plan.signals) != SIGNALS:
        raise TypeError(f"plan.signals must have exactly {', '.join(SIGNALS)}")
    for signal, planned in plan.signals.items():
        _expect(planned, SignalPlan, f"plan.signals[{signal!r}]")
        for exporter in planned.exporters:
            _expect(exporter, ExporterPlan, f"plan.signals[{signal!r}].exporters[…]")


def _adopt_values(values: dict[str, Value[Any]], source: Source) -> None:
    for name, value in list(values.items()):
        if not isinstance(value, Value):
            # Headers written by a plugin are secret, too.
            values[name] = Value(value, source, secret=name in ("headers", "credentials"))
        elif isinstance(value.value, Component):
            _adopt_values(value.value.parameters, source)


def _expect(node: object, kind: type[Any] | tuple[type[Any], ...], where: str) -> None:
    if not isinstance(node, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise TypeError(f"{where} is {type(node).__name__}, expected {' or '.join(k.__name__ for k in kinds)}")


def _changes(plugin: Plugin, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    paths = [path for path in dict.fromkeys([*before, *after]) if before.get(path) != after.get(path)]
    return [
        Change(plugin.label, path, before.get(path), after.get(path))
        for path in paths
        if not path.startswith(("problems", "changes", "plugins", "policies"))
    ]


def _order_changes(plugin: Plugin, before: Plan, after: Plan) -> list[Change]:
    """Return the change of the order of instrumentations, which their descriptions do not show."""
    both = [
        [name for name in plan.instrumentations if name in other.instrumentations]
        for plan, other in ((before, after), (after, before))
    ]
    was, now = (", ".join(names) for names in both)
    return [Change(plugin.label, "instrumentations", was, now)] if was != now else []


def flat(node: Any, path: str = "") -> dict[str, Any]:
    """Flatten ``{"a": {"b": [1]}}`` to ``{"a.b.0": 1}``."""
    if isinstance(node, Mapping) and node:
        items: Any = node.items()
    elif isinstance(node, list) and node:
        items = enumerate(node)
    else:
        return {path: node}
    leaves: dict[str, Any] = {}
    for key, value in items:
        leaves.update(flat(value, f"{path}.{key}" if path else str(key)))
    return leaves
