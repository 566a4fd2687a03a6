"""Builds single components of a plan, each under guard: a failure becomes a problem and costs that component only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import fields
from typing import Any, TypeAlias

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter

from distrokit.declarations import BuildContext, Exporter, ExporterOptions, Signal
from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.export import LossReporter
from distrokit.pipeline.suppressed import suppress_in
from distrokit.pipeline.transforms import ErrorReporter
from distrokit.plan.plan import Component, Plan
from distrokit.plugins.manager import Plugins
from distrokit.settings.values import Value

#: The second argument of ``isinstance``. ``type[T]`` admits neither the SDK's abstract classes nor ``Callable``.
Kind: TypeAlias = Any

_EXPORTER_TYPES: dict[Signal, tuple[type[Any], ...]] = {
    "traces": (SpanExporter,),
    "metrics": (MetricExporter, MetricReader),
    "logs": (LogRecordExporter,),
}
_OPTION_FIELDS = {f.name for f in fields(ExporterOptions)} - {
    "name",
    "signal",
    "arguments",
    "sources",
    "settings",
    "resource",
}


class ComponentFactory:
    """Builds components inside ``plan.settings.exposed(plan.sdk_settings)``.

    Args:
        plan: its ``problems`` receive a problem for each component that cannot be built.
        resource: passed to every factory; ``None`` before there is one.

    Attributes:
        parts: what was built, and what :meth:`keep` was given, in this order. An exporter, wrapped by its export
            monitor, comes before the processor that feeds it.
    """

    def __init__(self, plan: Plan, plugins: Plugins, resource: Resource | None = None) -> None:
        self.plan, self.resource = plan, resource
        self.parts: list[Any] = []
        self._plugins = plugins
        self._modified_by: list[str] = []
        # By id, with a reference to the part, so that its id is not reused.
        self._names: dict[int, tuple[object, str]] = {}

    def with_resource(self, resource: Resource) -> ComponentFactory:
        """Return a factory that passes this resource on, and keeps its parts together with this one's."""
        twin = copy(self)
        twin.resource = resource
        return twin

    def keep(self, part: Any) -> None:
        """Add a part that is told of forks and of the end of the process."""
        self.parts.append(part)

    def call_parts(self, method: str, failed: ErrorReporter) -> None:
        """Call a method of each part that has it; one that raises is reported, and the others are called."""
        for part in self.parts:
            call = getattr(part, method, None)
            if callable(call):
                try:
                    call()
                except Exception as error:
                    name = self.name_of(part) or type(part).__name__
                    failed(f"{method} of {name}", error, "this process continues without it")

    def name_of(self, part: object) -> str:
        """Return a part's name for reports, ``sampler acme (plugin acme)``; empty if it was not built here."""
        return self._names.get(id(part), (None, ""))[1]

    def register_name(self, part: Any, component: Component[Any]) -> Any:
        """Return the part; reports name it after the component from now on."""
        self._names[id(part)] = (part, _title(component))
        return part

    def exporter(self, component: Component[Exporter], signal: Signal, lost: LossReporter | None = None) -> Any:
        """Build the exporter of one signal; ``None`` if it cannot be built, which is reported.

        Args:
            lost: counts its losses; ``None`` if they are not counted.
        """
        with self.reported(component, "it is left out"):
            options = self.options(component, signal)
            options.lost = lost or options.lost
            with self.plan.settings.exposed(dict.fromkeys(component.declaration.hides)):
                made = component.declaration.factory(options)
            return self.accept(component, made, _EXPORTER_TYPES[signal])
        return None

    def options(self, component: Component[Exporter], signal: Signal) -> ExporterOptions:
        """Return the options for an exporter's factory, after every ``distrokit_exporter_options``."""
        arguments = self._arguments(component)
        known = {name: arguments.pop(name) for name in list(arguments) if name in _OPTION_FIELDS}
        if "headers" in known:
            known["headers"] = dict(known["headers"])
        sources = {name: value.source for name, value in component.parameters.items()}
        sources["exporter"] = component.source
        options = ExporterOptions(
            name=component.name,
            signal=signal,
            settings=self.plan.settings,
            resource=self.resource,
            arguments=arguments,
            sources=sources,
            **known,
        )
        self._modified_by = []
        for plugin in self._plugins.implementing("distrokit_exporter_options"):
            modified = copy(options)
            modified.headers, modified.arguments = dict(options.headers), dict(options.arguments)
            if not self._plugins.exporter_options(plugin, component.declaration, modified):
                continue
            if isinstance(modified.headers, dict) and isinstance(modified.arguments, dict):
                if modified != options:
                    self._modified_by.append(plugin.label)
                options = modified
            else:
                error = TypeError("options.headers and options.arguments must remain dicts")
                self._plugins.leave_out(plugin, "distrokit_exporter_options", error)
        return options

    # ------------------------------------------------------------------------------ guard

    def context(
        self,
        component: Component[Any],
        signal: Signal | None,
        lost: LossReporter | None = None,
        built: Mapping[str, Any] | None = None,
    ) -> BuildContext:
        """Return the context for a component's factory.

        Args:
            built: inner components that are built already, by parameter.
        """
        return BuildContext(
            **({"lost": lost} if lost else {}),
            exit_timeout_millis=self.plan.exit_timeout_millis.value,
            name=component.name,
            signal=signal,
            arguments=self._arguments(component, built),
            settings=self.plan.settings,
            resource=self.resource,
        )

    def component(
        self,
        component: Component[Any],
        kind: Kind,
        outcome: str,
        signal: Signal | None = None,
        built: Mapping[str, Any] | None = None,
    ) -> Any:
        """Build a component; ``None`` if that fails, which is reported with this outcome."""
        with self.reported(component, outcome):
            made = component.declaration.factory(self.context(component, signal, built=built))
            part = self.accept(component, made, kind)
            suppress_in(part)
            self.keep(part)
            return part
        return None

    def _arguments(self, component: Component[Any], built: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the parameters as plain values; build inner components, leave out those that fail."""
        arguments = {**component.arguments, **(built or {})}
        for name, value in list(arguments.items()):
            if isinstance(value, Component):
                part = self.component(value, object, "it is left out")
                if part is None:
                    del arguments[name]
                else:
                    arguments[name] = part
        return arguments

    @contextmanager
    def reported(self, component: Component[Any], outcome: str) -> Iterator[None]:
        """Catch an exception, and report the component as one that could not be built."""
        try:
            yield
        except BaseException as error:
            contain(error)
            self.report_failure(component, error, outcome)

    def accept(self, component: Component[Any], made: object, kind: Kind) -> Any:
        """Check and return the object that a factory made, and register its name.

        Raises:
            TypeError: it is not of this kind.
        """
        if not isinstance(made, kind):
            expected = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            raise TypeError(f"the factory returned {type(made).__name__}, expected {expected}")
        return self.register_name(made, component)

    def report_failure(self, component: Component[Any], error: BaseException, outcome: str) -> None:
        """Report a component that could not be built: the exception's ``problem`` if it has one, else a new one."""
        own = getattr(error, "problem", None)
        if isinstance(own, Problem):
            if own not in self.plan.problems:
                self.plan.problems.append(own)
            return
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        self.plan.problems.append(
            Problem(
                code="build-failed",
                subject=_title(component, component.origin),
                cause=describe_exception(error),
                outcome=outcome,
                remedy=f"Install the package that has {missing!r}."
                if missing
                else _remedy(component, error, self._modified_by),
                detail=trace_of(error),
            )
        )


def _remedy(component: Component[Any], error: BaseException, modified_by: list[str]) -> str:
    """Return the remedy: name the plugins that changed its options, else the settings it was made from."""
    if isinstance(component.declaration, Exporter) and modified_by:
        return f"Its options were changed by plugin {', '.join(modified_by)}: look there first."
    chosen = [value for value in component.parameters.values() if value.source.chosen]
    if isinstance(error, OSError) and error.filename is not None:
        chosen = [value for value in chosen if str(value.value) == str(error.filename)] or chosen
    elif component.source.chosen:
        chosen = [Value("", component.source), *chosen]
    names = ", ".join(dict.fromkeys(str(value.source) for value in chosen))
    if component.declaration.origin and not isinstance(error, (ValueError, OSError)):
        # A component that another package publishes, selected by name.
        return f"Repair or uninstall {component.origin}, or take it out of {component.source}."
    by_setting = isinstance(error, (ValueError, OSError)) or any(v.source.chosen for v in component.parameters.values())
    if component.source.chosen and not by_setting:
        return f"Repair plugin {component.plugin}, or select another one with {component.source}."
    return f"Correct {names}." if names else f"It is the {component.source}; repair or block plugin {component.plugin}."


def _title(component: Component[Any], origin: str = "") -> str:
    """Return the component's name: ``sampler acme (plugin acme)``."""
    origin = origin or f"plugin {component.plugin}"
    return f"{_words(type(component.declaration).__name__)} {component.name} ({origin})"


def _words(name: str) -> str:
    """Return ``id generator`` for ``IdGenerator``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
