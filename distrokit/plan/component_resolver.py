"""Finds a declaration by name and reads its parameters under guard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from distrokit.declarations import ComponentKind, D, Processor, Signal
from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.plan.known_packages import find_remedy
from distrokit.plan.plan import Component
from distrokit.plan.registry import Registration, Registries, Registry
from distrokit.plan.selection.selection import SelectedComponent
from distrokit.plugins.manager import Plugin
from distrokit.settings.frozen_programs import to_install
from distrokit.settings.layers import Settings
from distrokit.settings.reader import Reader
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import Source, Value


def how_to_get_defaults(plugins: Iterable[Plugin]) -> str:
    """Return the remedy for a missing component: usually the default plugins are not installed, or not loaded."""
    not_loaded = [plugin for plugin in plugins if plugin.installed and plugin.status != "loaded"]
    if not not_loaded:
        return to_install("distrokit[otlp]")
    by_cause = {plugin.cause: [p.name for p in not_loaded if p.cause == plugin.cause] for plugin in not_loaded}
    causes = "; ".join(f"{', '.join(names)} ({cause})" for cause, names in by_cause.items())
    return f"Plugins that are installed but not loaded: {causes}."


class ComponentResolver:
    """Makes the components of one plan.

    Args:
        problems: receives names that cannot be found and parameters that cannot be read.
        plugins: all plugins, for remedies.
    """

    def __init__(
        self,
        settings: Settings,
        registries: Registries,
        problems: list[Problem],
        plugins: Sequence[Plugin] = (),
    ) -> None:
        self._settings = settings
        self._plugins = plugins
        self._registries = registries
        self._problems = problems

    def pick(
        self,
        registry: Registry[D],
        selected: SelectedComponent,
        outcome: str,
        signal: Signal | None = None,
        instance: str = "",
    ) -> Component[D] | None:
        """Return the component of this name; ``None``, with a problem, if there is none.

        A setting may name an instance, ``otlp/backup``: the exporter ``otlp`` with settings of its own.

        Args:
            outcome: what happens instead, for the problem.
        """
        registration = registry.find(selected.name)
        if registration is None and selected.properties is None and "/" in selected.name:
            name, _, instance = selected.name.partition("/")
            registration = registry.find(name) if instance.strip() else None
        if registration:
            return self.component(registration, selected.source, signal, selected, instance)
        taken = registry.taken.get(selected.name.lower())
        if taken is None:
            self.unknown(registry.kind, signal, registry.names(), selected, outcome)
        else:
            self.refuse(taken)
        return None

    def refuse(self, taken: Problem) -> None:
        """Report a selected name that several declarations have."""
        problem = replace(taken, severity="error")
        if problem not in self._problems:
            self._problems.append(problem)

    def unknown(
        self, kind: str, signal: Signal | None, names: Iterable[str], selected: SelectedComponent, outcome: str
    ) -> None:
        """Report a name that no declaration has."""
        names = sorted(names)
        # A well-known name is not a misspelling of another one.
        hint = (find_remedy(kind, selected.name, signal) if names else "") or did_you_mean(selected.name, names)
        kind_for_signal = f"{kind} for {signal}" if signal else kind
        if selected.source.kind in ("file", "project"):
            subject = f"{selected.source} {selected.name}"
        else:
            subject = (
                f"{selected.source.name if selected.source.kind == 'environment' else selected.setting}={selected.name}"
            )
        self._problems.append(
            Problem(
                code=kind.replace(" ", "-") + "-unknown",
                subject=subject,
                cause=f"there is no such {kind_for_signal} (available: {', '.join(names) or 'none'})",
                outcome=outcome,
                remedy=hint
                or ("Install the package that provides it." if names else how_to_get_defaults(self._plugins)),
            )
        )

    def component(
        self,
        registration: Registration[D],
        source: Source,
        signal: Signal | None = None,
        selected: SelectedComponent | None = None,
        instance: str = "",
    ) -> Component[D] | None:
        """Return the registration with its parameters read; ``None`` if reading fails or refuses the component."""
        declaration = registration.declaration
        reader = Reader(
            self._settings,
            registration.plugin.label,
            signal,
            declaration.name,
            instance=instance,
            properties=selected.properties if selected else None,
            resolve=partial(self._inner, signal),
        )
        read = getattr(declaration, "parameters", None)
        try:
            parameters = dict(read(reader)) if read else reader.everything()
            wrong = [name for name, value in parameters.items() if not isinstance(value, Value)]
            if wrong:
                raise TypeError(f"parameters returned {wrong[0]!r} without a source; use the reader's methods")
            _check(parameters, reader)
        except BaseException as error:
            contain(error)
            self._problems.append(
                Problem(
                    code="parameters-failed",
                    subject=registration.plugin.title,
                    cause=f"parameters of {declaration.name!r}: {describe_exception(error)}",
                    outcome=f"{declaration.name!r} is left out",
                    remedy=f"Repair it, or set DISTROKIT_DISABLED_PLUGINS={registration.plugin.name}.",
                    detail=trace_of(error),
                )
            )
            return None
        if isinstance(declaration, Processor):
            reader.node("exporter")
            parameters.pop("exporter", None)
        # Three signals read a general setting; a wrong value is one problem.
        self._problems.extend(problem for problem in reader.problems if problem not in self._problems)
        if reader.refused:
            return None
        self._problems.extend(_unread_properties(reader))
        overridden = tuple(partial(getattr, rival, "origin") for rival in registration.overridden)
        return Component(
            declaration, registration.plugin.label, source, parameters, overridden, instance, reader.file_name
        )

    def _inner(self, signal: Signal | None, kind: ComponentKind, node: Value[Any]) -> Component[Any] | None:
        """Return a component inside another one, for :meth:`distrokit.Reader.component`."""
        selected = SelectedComponent.of(node)
        if selected is None:
            self._problems.append(
                Problem(
                    code="setting-invalid",
                    subject=str(node.source),
                    cause=f"a {kind} must be exactly one name with its properties",
                    outcome="it is left out",
                    remedy=f"Correct {node.source}.",
                )
            )
            return None
        return self.pick(self._registries.registry(kind, signal), selected, "it is left out", signal)


def _check(parameters: dict[str, Value[Any]], reader: Reader) -> None:
    """Check what a plugin returned here, where the plugin is known, rather than where it is printed."""
    for name, value in parameters.items():
        if not (isinstance(name, str) and isinstance(value.source, Source) and isinstance(value.key, str)):
            raise TypeError(f"parameters returned {name!r} with an invalid source or key")
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in value.overridden):
            raise TypeError(f"parameters returned {name!r} whose overridden is not pairs of text and source")
        repr(value)
        str(value.plain())
    if not isinstance(reader.file_name, str):
        raise TypeError("reader.file_name is not a string")
    for problem in reader.problems:
        if not all(isinstance(part, str) for part in (problem.code, problem.subject, problem.cause, problem.outcome)):
            raise TypeError("a reported problem has a field that is not a string")


def _unread_properties(reader: Reader) -> Iterable[Problem]:
    for name, source, hint in reader.unread():
        yield Problem(
            code="file-key-unknown",
            subject=f"{source} {name}",
            cause=f"{reader.name!r} has no such property",
            outcome="it has no effect",
            remedy=hint or "Remove it.",
            severity="warning",
        )
