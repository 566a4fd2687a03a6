"""The selection made by settings or by a configuration file: names with their sources, not resolved yet.

Both modes produce a :class:`Selection`; the resolver does not know which mode it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distrokit.declarations import SIGNALS, Signal
from distrokit.settings.values import Source, Value

__all__ = ["ScopeRule", "SelectedComponent", "SelectedExport", "SelectedInstrumentation", "Selection"]


@dataclass(frozen=True)
class SelectedComponent:
    """A component selected by name.

    Attributes:
        setting: for problems: the variable, or the place in the file.
        properties: its node in the configuration file; ``None`` when a setting selected it.
    """

    name: str
    source: Source
    setting: str
    properties: Value[Any] | None = None

    @classmethod
    def of(cls, node: Value[Any] | None) -> SelectedComponent | None:
        """Return the component that a node of a configuration file names; ``None`` if it is not exactly one name."""
        if node is None or not isinstance(node.value, Mapping) or len(node.value) != 1:
            return None
        [(name, properties)] = node.value.items()
        if properties.value is None:
            properties = Value({}, properties.source)
        return cls(str(name), properties.source, str(properties.source), properties)


@dataclass(frozen=True)
class SelectedExport:
    """An exporter and its processor.

    Attributes:
        processor: ``None`` for the default processor.
        cardinality_limits: of a metric reader in a configuration file: limits by kind of instrument, and ``default``;
            ``None`` if there are none.
    """

    exporter: SelectedComponent
    processor: SelectedComponent | None = None
    cardinality_limits: Value[Any] | None = None


@dataclass(frozen=True)
class ScopeRule:
    """A rule for instrumentation scopes by name (specification, *TracerConfigurator* and its siblings).

    Attributes:
        pattern: of the scope's name, with ``*`` and ``?``.
        enabled: false makes its spans, instruments or loggers no-op.
        minimum_severity: logs only: lower severity numbers are dropped; 0 for none.
        trace_based: logs only: true drops records of unsampled traces.
    """

    pattern: str
    enabled: bool
    source: Source
    minimum_severity: int = 0
    trace_based: bool = False


@dataclass(frozen=True)
class SelectedInstrumentation:
    """The configuration of one instrumentation from one source.

    Attributes:
        enabled: ``None`` when the source does not turn it on or off.
        replaced_by: ``module:Class``; ``None`` for its own class.
        options: keywords for its ``instrument()``.
        init_options: keywords for its class.
    """

    name: str
    source: Source
    enabled: Value[bool] | None = None
    replaced_by: Value[str] | None = None
    options: Mapping[str, Value[Any]] = field(default_factory=dict)
    init_options: Mapping[str, Value[Any]] = field(default_factory=dict)


@dataclass
class Selection:
    """Everything that settings or a file selected.

    Attributes:
        attributes: of the resource.
        schema_url: of the resource; ``None`` if unset.
        detectors: ``None`` for the default ones.
        included, excluded: patterns of the attributes that detectors may add; an empty ``included`` means all.
        propagators: ``None`` keeps OpenTelemetry's default.
        response_propagators: ``None`` for the default ones.
        exports: by signal; ``None`` when the signal is not built.
        sources: where the exporters of a signal were selected; a signal without a selection is missing.
        staged: processors of the stages before ``export`` that a file names.
        views: of the metrics signal, each a node of the configuration model.
        scopes: rules by signal; the first that matches applies.
    """

    attributes: dict[str, Value[Any]] = field(default_factory=dict)
    schema_url: Value[str] | None = None
    detectors: list[SelectedComponent] | None = None
    included: Value[Any] | None = None
    excluded: Value[Any] | None = None
    sampler: SelectedComponent | None = None
    id_generator: SelectedComponent | None = None
    propagators: list[SelectedComponent] | None = None
    response_propagators: list[SelectedComponent] | None = None
    exports: dict[Signal, list[SelectedExport] | None] = field(default_factory=lambda: {s: [] for s in SIGNALS})
    sources: dict[Signal, Source] = field(default_factory=dict)
    staged: dict[Signal, list[SelectedComponent]] = field(default_factory=lambda: {s: [] for s in SIGNALS})
    views: list[Value[Any]] = field(default_factory=list)
    scopes: dict[Signal, list[ScopeRule]] = field(default_factory=lambda: {s: [] for s in SIGNALS})
    instrumentations: list[SelectedInstrumentation] = field(default_factory=list)
