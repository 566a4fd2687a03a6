"""A cheaper form of the SDK's ``add``, ``record`` and ``set`` for ordinary measurements.

Most of the SDK's time before it aggregates goes into making its ``Measurement``, a frozen dataclass: five calls of
``object.__setattr__``, and since 1.45 a recursive look at each attribute. :func:`cheaper_method` makes the same object
without them, where that leads to the same result. Everything else goes to the SDK's own method: amounts that the SDK
refuses, unusual types, attributes that it would change.

This is the only module that uses private names of the metrics SDK for that: ``_measurement_consumer``,
``_meter_config``, ``_is_enabled``, and ``Measurement`` with its fields. It does so only if the SDK's code is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from time import time_ns
from types import FunctionType
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.sdk.metrics import Counter, Histogram

from distrokit.pipeline.known_code import has_fields, is_known

_SDK = "opentelemetry.sdk.metrics."
_FIELDS = "value time_unix_nano instrument context attributes"
#: The names that the SDK's methods use, and those that they use in some releases only.
_METHOD = "Measurement _is_enabled _measurement_consumer consume_measurement get_current super time_ns"
_IN_SOME_RELEASES = "_logger isfinite math name warning"
_ENABLED = "_meter_config is_enabled"
_CLEANING = "Mapping __setattr__ _clean_attribute_value _logger attributes isinstance object type warning"
_NUMBERS = frozenset({int, float})
#: The SDK looks at greater amounts more closely; math.isfinite, for instance, raises on great integers.
_LIMIT = 2**63
#: Types of attributes that the SDK takes as they are. No subclasses: these may do anything.
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def cheaper_method(instrument: Any, name: str, method: object) -> Callable[..., None] | None:
    """Return a function that measures as this method of the instrument does; ``None`` if the SDK is not as expected.

    Args:
        name: of the method.
        method: the function that the instrument's class has under this name.
    """
    if not _measures_as_known(instrument, name, method):
        return None
    config, consumer = vars(instrument).get("_meter_config"), vars(instrument).get("_measurement_consumer")
    sdk_method: FunctionType = method  # type: ignore[assignment]  # _measures_as_known has looked
    sdk_class = sdk_method.__globals__["Measurement"]
    cleans = _cleans_attributes(sdk_class)
    if config is None or consumer is None or cleans is None:
        return None
    lowest, limit = 0 if isinstance(instrument, (Counter, Histogram)) else -_LIMIT, _LIMIT
    new, unfrozen, numbers, plain = object.__new__, _unfreeze(sdk_class), _NUMBERS, _PLAIN

    def measure(amount: Any, attributes: Any = None, context: Any = None) -> None:
        # NaN is not between anything.
        if type(amount) not in numbers or not lowest <= amount < limit or not config.is_enabled:
            sdk_method(instrument, amount, attributes, context)
            return
        if cleans and attributes is not None:
            if type(attributes) is not dict:
                sdk_method(instrument, amount, attributes, context)
                return
            attributes = attributes.copy()
            for key, value in attributes.items():
                if type(value) not in plain or type(key) is not str or not key:
                    sdk_method(instrument, amount, attributes, context)
                    return
        measurement = new(unfrozen)
        measurement.value = amount
        measurement.time_unix_nano = time_ns()
        measurement.instrument = instrument
        measurement.context = context or get_current()
        measurement.attributes = attributes
        consumer.consume_measurement(measurement)

    return measure


def _measures_as_known(instrument: Any, name: str, method: object) -> bool:
    # It calls the same method of its base class.
    return is_known(method, _SDK, f"{_METHOD} {name}", _IN_SOME_RELEASES) and is_known(
        getattr(type(instrument), "_is_enabled", None), _SDK, _ENABLED
    )


def _cleans_attributes(sdk_class: Any) -> bool | None:
    """Tell whether the SDK's class checks and copies its attributes; ``None`` if it does something unknown."""
    after = getattr(sdk_class, "__post_init__", None)
    if not has_fields(sdk_class, _FIELDS) or not (after is None or is_known(after, _SDK, _CLEANING)):
        return None
    return after is not None


@cache
def _unfreeze(frozen: type) -> Any:
    """Return a subclass of a frozen dataclass whose attributes are set at the cost of an ordinary one's."""
    names = ("__module__", "__qualname__", "__doc__")
    # Python takes its fast way to an attribute only if both methods are object's.
    methods = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(frozen.__name__, (frozen,), {**{name: getattr(frozen, name) for name in names}, **methods})
