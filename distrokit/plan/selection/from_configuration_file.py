"""The selection of a configuration file, merged with that of settings.

The file overrides settings; code and a plugin's override win over the file; plugins' defaults apply where the file
sets nothing. Only the file decides which signals are built: without a ``meter_provider`` there are no metrics, as the
configuration schema defines it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit.declarations import SIGNALS, Configuration, Signal
from distrokit.diagnostics import Problem
from distrokit.plan.selection.cardinality_limits import take_limits
from distrokit.plan.selection.from_settings import select_from_settings
from distrokit.plan.selection.instrumentations import instrumentations_of_model
from distrokit.plan.selection.selection import ScopeRule, SelectedComponent, SelectedExport, Selection
from distrokit.settings.layers import Settings
from distrokit.settings.values import STRENGTH, Source, Value

PROVIDERS: dict[Signal, str] = {"traces": "tracer_provider", "metrics": "meter_provider", "logs": "logger_provider"}

SCOPES: dict[Signal, tuple[str, str]] = {
    "traces": ("tracer_configurator/development", "tracers"),
    "metrics": ("meter_configurator/development", "meters"),
    "logs": ("logger_configurator/development", "loggers"),
}
SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")
_TYPES: dict[str, type[Any]] = {"string": str, "bool": bool, "int": int, "double": float}


def select_from_configuration_file(
    configuration: Configuration, settings: Settings, problems: list[Problem]
) -> Selection:
    """Return the selection of a file and these settings together.

    Args:
        configuration: with a model.
        settings: with the file's own layer, and without the variables that the file replaces.
        problems: receives invalid parts of the file.
    """
    model = configuration.model or Value({}, Source("file", configuration.name))
    selection = select_from_settings(settings, problems)
    _select_resource(model, selection, problems)
    _select_traces_parts(model, selection)
    _select_propagators(model, selection)
    for signal in SIGNALS:
        _select_signal(model, signal, selection, problems)
    selection.views = _items(model.at("meter_provider", "views"))
    selection.instrumentations = list(instrumentations_of_model(model, settings, problems))
    return selection


def severity_number(name: str) -> int:
    """Return the number of a severity, 10 for ``info2``; 0 for an unknown name (specification, logs data model)."""
    word = name.rstrip("234")
    return SEVERITIES.index(word) * 4 + int(name[len(word) :] or 1) if word in SEVERITIES else 0


def _overrides_file(source: Source) -> bool:
    return source.strength > STRENGTH.index("file")


def _items(node: Value[Any] | None) -> list[Value[Any]]:
    return list(node.value) if node is not None and isinstance(node.value, list) else []


def _select_list(node: Value[Any] | None) -> list[SelectedComponent]:
    return [selected for selected in map(SelectedComponent.of, _items(node)) if selected]


# ------------------------------------------------------------------------------ the parts


def _select_resource(model: Value[Any], selection: Selection, problems: list[Problem]) -> None:
    for item in _items(model.at("resource", "attributes")):
        name, value = item.at("name"), item.at("value")
        if name is None or value is None:
            continue
        known = selection.attributes.get(str(name.value))
        if known is None or not _overrides_file(known.source):
            selection.attributes[str(name.value)] = _convert(name, value, item.at("type"), problems)
    selection.schema_url = model.at("resource", "schema_url")
    detection = model.at("resource", "detection/development")
    if detection is not None and (selection.detectors is None or not _overrides_file(selection.detectors[0].source)):
        selection.detectors = _select_list(detection.at("detectors"))
    if detection is not None:
        selection.included = detection.at("attributes", "included")
        selection.excluded = detection.at("attributes", "excluded")


def _convert(name: Value[Any], value: Value[Any], kind: Value[Any] | None, problems: list[Problem]) -> Value[Any]:
    """Convert the value to the ``type`` beside it."""
    plain = value.plain()
    # "If omitted, string is used", says the schema.
    written = str(kind.value) if kind is not None else "string_array" if isinstance(plain, list) else "string"
    wanted = _TYPES.get(written.removesuffix("_array"), str)
    try:
        if written.endswith("_array") != isinstance(plain, list):
            raise TypeError("one is a list and the other is not")
        return Value(
            [_cast(i, wanted) for i in plain] if isinstance(plain, list) else _cast(plain, wanted), value.source
        )
    except (TypeError, ValueError, OverflowError):
        problems.append(
            Problem(
                code="setting-invalid",
                subject=f"{value.source} {name.value}",
                cause=f"the value is not of type {written}",
                outcome="it is used as text",
                remedy="Correct the value or its type.",
                severity="warning",
            )
        )
        return Value(str(plain), value.source)


def _cast(item: Any, kind: type[Any]) -> Any:
    if kind is bool and not isinstance(item, bool):
        raise ValueError("a boolean is true or false")
    if isinstance(item, bool) and kind is str:
        return str(item).lower()
    if kind is int and (isinstance(item, bool) or int(item) != float(item) or abs(int(item)) >= 2**63):
        raise ValueError("not a whole number of 64 bits")
    return kind(item)


def _select_traces_parts(model: Value[Any], selection: Selection) -> None:
    provider = model.at("tracer_provider")
    if provider is None:
        return
    sampler = SelectedComponent.of(provider.at("sampler"))
    if sampler and not (selection.sampler and _overrides_file(selection.sampler.source)):
        selection.sampler = sampler
    ids = SelectedComponent.of(provider.at("id_generator"))
    if ids and not (selection.id_generator and _overrides_file(selection.id_generator.source)):
        selection.id_generator = ids


def _select_propagators(model: Value[Any], selection: Selection) -> None:
    node = model.at("propagator")
    if selection.propagators is not None and any(
        _overrides_file(selected.source) for selected in selection.propagators
    ):
        return
    if node is None:
        # "If omitted, a noop propagator is used", says the schema; a plugin's default may add some.
        selection.propagators = selection.propagators or []
        return
    chosen = _select_list(node.at("composite"))
    listed = node.at("composite_list")
    if listed is not None:
        names = [name.strip() for name in str(listed.value).split(",") if name.strip()]
        chosen += [SelectedComponent(name, listed.source, str(listed.source)) for name in names]
    # Each once; the first one wins (configuration schema, Propagator).
    by_name = {selected.name.lower(): selected for selected in reversed(chosen) if selected.name.lower() != "none"}
    selection.propagators = list(reversed(by_name.values()))


def _select_signal(model: Value[Any], signal: Signal, selection: Selection, problems: list[Problem]) -> None:
    provider = model.at(PROVIDERS[signal])
    overridden = signal in selection.sources and _overrides_file(selection.sources[signal])
    if provider is None:
        if not overridden:
            selection.exports[signal] = None
            selection.sources[signal] = model.source
        return
    exports, staged = [], []
    if signal == "metrics":
        exports = [export for export in map(_select_reader, _items(provider.at("readers"))) if export]
    else:
        for selected in _select_list(provider.at("processors")):
            exporter = SelectedComponent.of(selected.properties.at("exporter")) if selected.properties else None
            if exporter:
                exports.append(SelectedExport(exporter, selected))
            else:
                staged.append(selected)
    selection.staged[signal] = staged
    selection.scopes[signal] = list(_scopes(provider, signal))
    if not overridden:
        selection.exports[signal] = exports
        selection.sources[signal] = provider.source


def _select_reader(node: Value[Any]) -> SelectedExport | None:
    reader = SelectedComponent.of(node)
    exporter = SelectedComponent.of(reader.properties.at("exporter")) if reader and reader.properties else None
    if reader is None or exporter is None:
        return None
    return SelectedExport(exporter, *take_limits(reader))


def _scopes(provider: Value[Any], signal: Signal) -> Iterator[ScopeRule]:
    """Yield the rules in order; the default for all other scopes comes last."""
    configurator, several = SCOPES[signal]
    node = provider.at(configurator)
    if node is None:
        return
    default = node.at("default_config")
    fallback = _rule("*", default) if default is not None else None
    for item in _items(node.at(several)):
        name, config = item.at("name"), item.at("config")
        if name is not None and config is not None:
            yield _rule(str(name.value), config)
    if fallback is not None:
        yield fallback


def _rule(pattern: str, config: Value[Any]) -> ScopeRule:
    enabled, severity, trace_based = config.at("enabled"), config.at("minimum_severity"), config.at("trace_based")
    return ScopeRule(
        pattern,
        enabled is None or bool(enabled.value),
        config.source,
        severity_number(str(severity.value)) if severity else 0,
        bool(trace_based and trace_based.value),
    )
