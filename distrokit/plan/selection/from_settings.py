"""The selection of settings: environment variables, plugins' defaults, and settings given in code."""

from __future__ import annotations

from distrokit.declarations import SIGNALS, Signal
from distrokit.diagnostics import Problem
from distrokit.plan.selection.attributes import attributes_of
from distrokit.plan.selection.selection import SelectedComponent, SelectedExport, Selection
from distrokit.settings.layers import Settings

EXPORTER_SETTING: dict[Signal, str] = {
    "traces": "OTEL_TRACES_EXPORTER",
    "metrics": "OTEL_METRICS_EXPORTER",
    "logs": "OTEL_LOGS_EXPORTER",
}
SAMPLER = "OTEL_TRACES_SAMPLER"
ID_GENERATOR = "OTEL_PYTHON_ID_GENERATOR"
PROPAGATORS = "OTEL_PROPAGATORS"
RESPONSE_PROPAGATORS = "DISTROKIT_RESPONSE_PROPAGATORS"
DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"


def select_from_settings(settings: Settings, problems: list[Problem]) -> Selection:
    """Return the selection of these settings.

    Args:
        problems: receives invalid settings.
    """
    selection = Selection(attributes_of(settings, problems))
    selection.sampler = _select_one(settings, SAMPLER)
    selection.id_generator = _select_one(settings, ID_GENERATOR)
    if settings.value(PROPAGATORS):
        selection.propagators = _drop_none(_select_list(settings, PROPAGATORS))
    if settings.value(RESPONSE_PROPAGATORS):
        selection.response_propagators = _drop_none(_select_list(settings, RESPONSE_PROPAGATORS))
        if not settings.names(RESPONSE_PROPAGATORS):
            problems.append(_no_name_problem(settings, RESPONSE_PROPAGATORS, "no response propagator runs", "one"))
    if settings.value(DETECTORS):
        selection.detectors = _select_list(settings, DETECTORS)
    for signal in SIGNALS:
        setting = EXPORTER_SETTING[signal]
        value = settings.value(setting)
        if value:
            selection.exports[signal] = [
                SelectedExport(exporter) for exporter in _drop_none(_select_list(settings, setting))
            ]
            selection.sources[signal] = value.source
            if not settings.names(setting):
                problems.append(_no_name_problem(settings, setting, f"no {signal} are sent", "an exporter"))
    return selection


def _select_one(settings: Settings, setting: str) -> SelectedComponent | None:
    value = settings.value(setting)
    return SelectedComponent(value.value, value.source, setting) if value else None


def _select_list(settings: Settings, setting: str) -> list[SelectedComponent]:
    """Return the components of a list of names, each once, in any case."""
    value = settings.value(setting)
    names: dict[str, str] = {}
    for name in settings.names(setting):
        names.setdefault(name.lower(), name)
    return [SelectedComponent(name, value.source, setting) for name in names.values()] if value else []


def _drop_none(selected: list[SelectedComponent]) -> list[SelectedComponent]:
    return [component for component in selected if component.name.lower() != "none"]


def _no_name_problem(settings: Settings, setting: str, outcome: str, what: str) -> Problem:
    return Problem(
        code="setting-invalid",
        subject=f"{setting}={settings.get(setting)}",
        cause="it contains no name",
        outcome=outcome,
        remedy=f"Name {what}, or write none.",
        severity="warning",
    )
