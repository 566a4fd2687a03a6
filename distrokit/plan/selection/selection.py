"""What was chosen, by settings or by a configuration file: names with their sources, nothing resolved yet.

The two modes meet here. What follows, the picking among declarations, does not know which one it was.
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
    """A component that somebody named.

    Attributes:
        setting: what problems call it: a variable, or the place in the file.
        properties: what the configuration file says of it; ``None`` when settings named it.
    """

    name: str
    source: Source
    setting: str
    properties: Value[Any] | None = None

    @classmethod
    def of(cls, node: Value[Any] | None) -> SelectedComponent | None:
        """What a node of a configuration file names: one name, with its properties or nothing."""
        if node is None or not isinstance(node.value, Mapping) or len(node.value) != 1:
            return None
        [(name, properties)] = node.value.items()
        if properties.value is None:
            properties = Value({}, properties.source)
        return cls(str(name), properties.source, str(properties.source), properties)


@dataclass(frozen=True)
class SelectedExport:
    """An exporter and what feeds it; without a processor, whatever is the default."""

    exporter: SelectedComponent
    processor: SelectedComponent | None = None


@dataclass(frozen=True)
class ScopeRule:
    """What instrumentation scopes of a name may do (specification, *TracerConfigurator* and its siblings).

    Attributes:
        pattern: of the scope's name, with ``*`` and ``?``.
        enabled: false makes its spans, instruments or loggers no-op.
        minimum_severity: logs only: the least severity number that passes; 0 for all.
        trace_based: logs only: whether records of unsampled traces are dropped.
    """

    pattern: str
    enabled: bool
    source: Source
    minimum_severity: int = 0
    trace_based: bool = False


@dataclass(frozen=True)
class SelectedInstrumentation:
    """What is said of one instrumentation, in one place.

    Attributes:
        enabled: ``None`` where nothing is said of it.
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
    """Everything that was chosen.

    Attributes:
        attributes: of the resource.
        schema_url: of the resource; ``None`` when nobody gave one.
        detectors: ``None`` for those that are on by default.
        included, excluded: patterns of the attributes that detectors may add; nothing included means all.
        propagators: ``None`` leaves OpenTelemetry's own choice alone.
        response_propagators: ``None`` for those that are on by default.
        exports: by signal; ``None`` when the signal is not built at all.
        sources: who chose the exporters of a signal; missing when nobody did.
        staged: processors of the stages before ``export`` that a file names.
        views: of the metrics signal, each a node of the configuration model.
        scopes: rules by signal, the first that fits counts.
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
