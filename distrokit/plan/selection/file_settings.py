"""Reads the parts of a configuration file that are also settings, as a layer of settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from distrokit.declarations import Configuration
from distrokit.diagnostics import Problem
from distrokit.plan.selection.from_configuration_file import severity_number
from distrokit.plan.selection.semantic_conventions import opt_ins
from distrokit.settings.environ import settable
from distrokit.settings.layers import Layer
from distrokit.settings.settings_in_files import environment_only, own_name, own_text
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import Source, Value, as_text

_HTTP = ("instrumentation/development", "general", "http")

#: Path in the model to the equivalent variable. Source: the schema's descriptions and its migration example.
SETTING_BY_PATH: dict[tuple[str, ...], str] = {
    ("disabled",): "OTEL_SDK_DISABLED",
    ("resource", "attributes_list"): "OTEL_RESOURCE_ATTRIBUTES",
    ("attribute_limits", "attribute_value_length_limit"): "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ("attribute_limits", "attribute_count_limit"): "OTEL_ATTRIBUTE_COUNT_LIMIT",
    ("tracer_provider", "limits", "attribute_value_length_limit"): "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ("tracer_provider", "limits", "attribute_count_limit"): "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    ("tracer_provider", "limits", "event_count_limit"): "OTEL_SPAN_EVENT_COUNT_LIMIT",
    ("tracer_provider", "limits", "link_count_limit"): "OTEL_SPAN_LINK_COUNT_LIMIT",
    ("tracer_provider", "limits", "event_attribute_count_limit"): "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    ("tracer_provider", "limits", "link_attribute_count_limit"): "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    ("logger_provider", "limits", "attribute_value_length_limit"): "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ("logger_provider", "limits", "attribute_count_limit"): "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    ("meter_provider", "exemplar_filter"): "OTEL_METRICS_EXEMPLAR_FILTER",
    (*_HTTP, "client", "request_captured_headers"): "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
    (*_HTTP, "client", "response_captured_headers"): "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE",
    (*_HTTP, "server", "request_captured_headers"): "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
    (*_HTTP, "server", "response_captured_headers"): "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE",
}

#: Top-level keys; the schema allows any others.
_TOP = (
    "file_format",
    "disabled",
    "log_level",
    "attribute_limits",
    "logger_provider",
    "meter_provider",
    "propagator",
    "tracer_provider",
    "resource",
    "instrumentation/development",
    "distribution",
)

#: Parts that the SDK does not support, with the remedy.
_UNSUPPORTED: dict[tuple[str, ...], str] = {
    (*_HTTP, "client", "known_methods"): "Remove it; instrumentations have their own list.",
    (*_HTTP, "server", "known_methods"): "Remove it; instrumentations have their own list.",
    ("instrumentation/development", "general", "sanitization"): "Redact in a processor at the stage transform.",
    ("instrumentation/development", "general", "code"): "Set the instrumentation's own options under python.",
    ("instrumentation/development", "general", "rpc"): "Set the instrumentation's own options under python.",
    ("instrumentation/development", "general", "messaging"): "Set the instrumentation's own options under python.",
}


def settings_of(configuration: Configuration, problems: list[Problem]) -> Layer:
    """Return the layer of settings that a file makes.

    Args:
        problems: receives unknown keys and unsupported parts.
    """
    model = configuration.model or Value({}, Source("file", configuration.name))
    values: dict[str, Value[str]] = {}
    for path, name in SETTING_BY_PATH.items():
        node = model.at(*path)
        if node is not None:
            values[name] = Value(as_text(node.plain()), node.source)
    level = model.at("log_level")
    if level is not None and (severity := severity_number(str(level.value))):
        # No message is above fatal.
        silent = severity > severity_number("fatal")
        values["OTEL_LOG_LEVEL"] = Value("none" if silent else str(level.value).rstrip("234"), level.source)
    stability = opt_ins(model.at("instrumentation/development", "general"), problems)
    if stability is not None:
        values["OTEL_SEMCONV_STABILITY_OPT_IN"] = stability
    own = model.at("distribution", "distrokit")
    if own is not None:
        found = own_settings(own)
        refused_in_files = {name: p for name, value in found.items() if (p := environment_only(name, value.source))}
        problems.extend(refused_in_files.values())
        values.update({name: value for name, value in found.items() if name not in refused_in_files})
    not_settable = [name for name, value in values.items() if not settable(name, value.value)]
    problems.extend(_not_settable_problem(name, values.pop(name).source) for name in not_settable)
    problems.extend(_find_unread(model))
    source = Source("file", configuration.name)
    return Layer(source, {n: v.value for n, v in values.items()}, {n: v.source for n, v in values.items()})


def own_settings(node: Value[Any]) -> dict[str, Value[str]]:
    """Read distrokit's settings by their short names: ``strict: true`` for ``DISTROKIT_STRICT=true``."""
    if not isinstance(node.value, Mapping):
        return {}
    return {
        own_name(str(key)): Value(own_text(own_name(str(key)), child.plain()), child.source)
        for key, child in node.value.items()
        if child.value is not None
    }


def _find_unread(model: Value[Any]) -> Iterator[Problem]:
    for key, child in model.value.items():
        if key not in _TOP:
            yield _unknown_key_problem(str(key), child.source, _TOP)
    for path, remedy in _UNSUPPORTED.items():
        node = model.at(*path)
        if node is not None:
            yield unsupported_part(".".join(path[1:]), node.source, remedy)


def unsupported_part(part: str, source: Source, remedy: str) -> Problem:
    """Make the problem of a part of the schema that Python's SDK does not support."""
    return Problem(
        code="file-part-unsupported",
        subject=f"{source} {part}",
        cause="OpenTelemetry Python does not support it",
        outcome="it has no effect",
        remedy=remedy,
        severity="warning",
    )


def _not_settable_problem(name: str, source: Source) -> Problem:
    return Problem(
        code="setting-invalid",
        subject=f"{source} {name}",
        cause="it contains a character that an environment variable cannot hold",
        outcome="it is taken for unset",
        remedy=f"Correct {source}.",
        severity="warning",
    )


def _unknown_key_problem(key: str, source: Source, known: Collection[str]) -> Problem:
    return Problem(
        code="file-key-unknown",
        subject=f"{source} {key}",
        cause="unknown key",
        outcome="it has no effect",
        remedy=did_you_mean(key, known) or f"Known keys: {', '.join(sorted(known))}.",
        severity="warning",
    )
