"""Settings that OpenTelemetry's SDK and API read by themselves, checked before they read them.

The SDK raises on values that it cannot use, some of them while it is imported, and one wrong limit costs all
three signals. Such a value becomes a problem here, and is hidden from the SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature

from distrokit.settings.layers import Settings
from distrokit.settings.reader import Reader

_LIMITS = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
)
#: Above it the SDK's containers raise, in the application's own code.
_LARGEST = 2**31 - 1

#: The SDK runs the named detectors while it is imported, one after the other and without a deadline
#: (``Resource.create({})`` in a class body of ``opentelemetry.sdk._logs``). distrokit runs them itself.
_DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
_CHOICES = {"OTEL_METRICS_EXEMPLAR_FILTER": ("trace_based", "always_on", "always_off")}
#: The groups of entry points in which the API looks for providers, where nobody has set one. For an unknown name its
#: ``get_tracer`` and its siblings raise into the application.
_PROVIDERS = {
    f"OTEL_PYTHON_{kind.upper()}_PROVIDER": f"opentelemetry_{kind}_provider" for kind in ("tracer", "meter", "logger")
}


def check_sdk_settings(reader: Reader, published: Callable[[str], Sequence[str]]) -> dict[str, str | None]:
    """Return the changes of ``os.environ`` that OpenTelemetry needs.

    Args:
        reader: of all settings.
        published: returns the names of the entry points of a group.

    Returns: setting to text; ``None`` for one that must look unset. Settings that can be used unchanged are not in
    it. ``reader.problems`` receives values that cannot be used.
    """
    found: dict[str, str | None] = {}
    for name in _LIMITS:
        _add_change(found, name, reader, reader.parsed(name, _limit, None).value)
    for name, choices in _CHOICES.items():
        _add_change(found, name, reader, reader.choice(name, choices, "").value or None)
    for name, group in _PROVIDERS.items():
        if reader.settings.get(name):
            _add_change(found, name, reader, reader.choice(name, published(group), "").value or None)
    if reader.settings.get(_DETECTORS):
        found[_DETECTORS] = None
    if reader.settings.get(_ATTRIBUTES):
        # distrokit has read them, and the SDK logs malformed ones, tokens included.
        found[_ATTRIBUTES] = None
    return found


def read_late(found: dict[str, str | None], settings: Settings, logger_provider: type | None) -> dict[str, str | None]:
    """Return the changes of ``os.environ`` that must stay while the SDK runs; ``None`` removes a variable.

    The API reads the names of providers when the application first asks for one.

    Up to 1.44 the SDK reads the limits of log records again for every record; since then the provider gets them
    as arguments. So limits that cannot be used, and limits from other sources than the environment, must stay.

    Args:
        found: the result of :func:`check_sdk_settings`.
        settings: all settings.
        logger_provider: the SDK's class; ``None`` if the SDK is not used.
    """
    late = {name: text for name, text in found.items() if name in _PROVIDERS}
    if logger_provider is None or "log_record_limits" in signature(logger_provider).parameters:
        return late
    late.update({name: None for name, text in found.items() if text is None and name in _LIMITS})
    for name in _LIMITS:
        value = settings.value(name) if name.startswith(("OTEL_LOGRECORD_", "OTEL_ATTRIBUTE_")) else None
        if value and value.source.kind != "environment" and name not in late:
            late[name] = found.get(name) or value.value
    return late


def _add_change(found: dict[str, str | None], name: str, reader: Reader, text: str | None) -> None:
    given = reader.settings.get(name)
    if not given and name in reader.settings.ignored:
        found[name] = None
    # The SDK does not strip blanks around every value.
    if given and text != reader.settings.environ.get(name, given):
        found[name] = text


def _limit(text: str) -> str:
    if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST:
        raise ValueError(f"it must be a whole number from 0 to {_LARGEST}")
    return text
