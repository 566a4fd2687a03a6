"""Settings that the SDK reads by itself, checked before it reads them.

The SDK raises on values that it cannot use, some of them while it is imported, and one wrong limit costs all
three signals. Such a value becomes a problem here, and is hidden from the SDK.
"""

from __future__ import annotations

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


def checked(reader: Reader) -> dict[str, str | None]:
    """Return the changes of ``os.environ`` that the SDK needs.

    Returns: setting to text; ``None`` for one that must look unset. Settings that can be used unchanged are not in
    it. ``reader.problems`` receives values that cannot be used.
    """
    found: dict[str, str | None] = {}
    for name in _LIMITS:
        _add_change(found, name, reader, reader.parsed(name, _limit, None).value)
    for name, choices in _CHOICES.items():
        _add_change(found, name, reader, reader.choice(name, choices, "").value or None)
    if reader.settings.get(_DETECTORS):
        found[_DETECTORS] = None
    if reader.settings.get(_ATTRIBUTES):
        # distrokit has read them, and the SDK logs malformed ones, tokens included.
        found[_ATTRIBUTES] = None
    return found


def read_late(found: dict[str, str | None], settings: Settings, logger_provider: type) -> dict[str, str | None]:
    """Return the changes of ``os.environ`` that must stay while the SDK runs; ``None`` removes a variable.

    Up to 1.44 the SDK reads the limits of log records again for every record; since then the provider gets them
    as arguments. So limits that cannot be used, and limits from other sources than the environment, must stay.

    Args:
        found: the result of :func:`checked`.
        settings: all settings.
        logger_provider: the SDK's class.
    """
    if "log_record_limits" in signature(logger_provider).parameters:
        return {}
    late: dict[str, str | None] = {name: None for name, text in found.items() if text is None and name in _LIMITS}
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
