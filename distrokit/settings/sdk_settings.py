"""Settings that the SDK reads by itself, checked before it does.

The SDK raises on what it does not like, some of it while it is imported, and one wrong limit costs all
three signals. What cannot be used is a problem here, and the SDK does not get to see it.
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
#: Beyond it the SDK's containers raise, in the application's own code.
_LARGEST = 2**31 - 1

#: The SDK runs the named detectors while it is imported, one after the other and without a deadline
#: (``Resource.create({})`` in a class body of ``opentelemetry.sdk._logs``). distrokit runs them itself.
_DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
_CHOICES = {"OTEL_METRICS_EXEMPLAR_FILTER": ("trace_based", "always_on", "always_off")}


def checked(reader: Reader) -> dict[str, str | None]:
    """What the SDK shall find in ``os.environ`` instead of what is there.

    Returns: setting to text; ``None`` for one that is to be taken for unset. Settings that can be used
    as they are, are not in it. ``reader.problems`` receives what cannot be used.
    """
    found: dict[str, str | None] = {}
    for name in _LIMITS:
        _keep(found, name, reader, reader.parsed(name, _limit, None).value)
    for name, choices in _CHOICES.items():
        _keep(found, name, reader, reader.choice(name, choices, "").value or None)
    if reader.settings.get(_DETECTORS):
        found[_DETECTORS] = None
    if reader.settings.get(_ATTRIBUTES):
        # They are read already, and the SDK repeats what it does not like, tokens included.
        found[_ATTRIBUTES] = None
    return found


def read_late(found: dict[str, str | None], settings: Settings, logger_provider: type) -> dict[str, str | None]:
    """Limits that the SDK comes across again while it runs, and what it shall find; ``None`` for nothing.

    Up to 1.44 it reads the limits of log records anew for every record; since then the provider is given
    them. So what cannot be used, and what does not come from the environment, must stay there.

    Args:
        found: what :func:`checked` returned.
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


def _keep(found: dict[str, str | None], name: str, reader: Reader, text: str | None) -> None:
    given = reader.settings.get(name)
    if not given and name in reader.settings.ignored:
        found[name] = None
    # Blanks around a value are the user's, and the SDK does not take them off everywhere.
    if given and text != reader.settings.environ.get(name, given):
        found[name] = text


def _limit(text: str) -> str:
    if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST:
        raise ValueError(f"it must be a whole number from 0 to {_LARGEST}")
    return text
