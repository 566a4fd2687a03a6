"""What settings choose: environment variables, plugins' defaults, what is given in code."""

from __future__ import annotations

from distrokit.declarations import SIGNALS, Signal
from distrokit.diagnostics import Problem
from distrokit.plan.selection.attributes import attributes_of
from distrokit.plan.selection.selection import Choice, SelectedExport, Selection
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
    """The choices these settings make.

    Args:
        problems: receives what of them makes no sense.
    """
    choices = Selection(attributes_of(settings, problems))
    choices.sampler = _one(settings, SAMPLER)
    choices.id_generator = _one(settings, ID_GENERATOR)
    if settings.value(PROPAGATORS):
        choices.propagators = _but_none(_several(settings, PROPAGATORS))
    if settings.value(RESPONSE_PROPAGATORS):
        choices.response_propagators = _but_none(_several(settings, RESPONSE_PROPAGATORS))
        if not settings.names(RESPONSE_PROPAGATORS):
            problems.append(_names_nothing(settings, RESPONSE_PROPAGATORS, "no response propagator runs", "one"))
    if settings.value(DETECTORS):
        choices.detectors = _several(settings, DETECTORS)
    for signal in SIGNALS:
        setting = EXPORTER_SETTING[signal]
        choice = settings.value(setting)
        if choice:
            choices.exports[signal] = [SelectedExport(exporter) for exporter in _but_none(_several(settings, setting))]
            choices.sources[signal] = choice.source
            if not settings.names(setting):
                problems.append(_names_nothing(settings, setting, f"no {signal} are sent", "an exporter"))
    return choices


def _one(settings: Settings, setting: str) -> Choice | None:
    value = settings.value(setting)
    return Choice(value.value, value.source, setting) if value else None


def _several(settings: Settings, setting: str) -> list[Choice]:
    """The names of a list, each once, whatever the case."""
    value = settings.value(setting)
    names: dict[str, str] = {}
    for name in settings.names(setting):
        names.setdefault(name.lower(), name)
    return [Choice(name, value.source, setting) for name in names.values()] if value else []


def _but_none(choices: list[Choice]) -> list[Choice]:
    return [choice for choice in choices if choice.name.lower() != "none"]


def _names_nothing(settings: Settings, setting: str, outcome: str, what: str) -> Problem:
    return Problem(
        code="setting-invalid",
        subject=f"{setting}={settings.get(setting)}",
        cause="it contains no name",
        outcome=outcome,
        remedy=f"Name {what}, or write none.",
        severity="warning",
    )
