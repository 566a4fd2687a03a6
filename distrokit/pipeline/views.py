"""Builds views of the metrics signal from the configuration model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.sdk import metrics
from opentelemetry.sdk.metrics import view

from distrokit.plan.plan import ViewPlan
from distrokit.plan.selection.views import fault_of

#: The attribute of the point of the measurements beyond a limit (specification, *Metrics SDK, Cardinality limits*).
OVERFLOW = "otel.metric.overflow"


def make_view(plan: ViewPlan, keep: Iterable[str] = ()) -> view.View:
    """Build the SDK's view.

    Args:
        keep: attribute keys that the view keeps, whatever its ``attribute_keys`` are.

    Raises: ``ValueError`` or ``TypeError`` if the definition is not valid.
    """
    if fault := fault_of(plan.definition):
        raise ValueError(fault)
    selector = plan.definition.get("selector") or {}
    stream = plan.definition.get("stream") or {}
    keys = stream.get("attribute_keys") or {}
    return view.View(
        instrument_type=_instrument(selector.get("instrument_type")),
        # Names are in lower case; patterns only from OpenTelemetry 1.45 on.
        instrument_name=name.lower() if (name := selector.get("instrument_name")) else name,
        instrument_unit=selector.get("unit"),
        meter_name=selector.get("meter_name"),
        meter_version=selector.get("meter_version"),
        meter_schema_url=selector.get("meter_schema_url"),
        name=stream.get("name"),
        description=stream.get("description"),
        attribute_keys=_Keys(keys.get("included"), keys.get("excluded"), keep) if keys else None,
        aggregation=_aggregation(stream.get("aggregation")),
    )


class _Keys(set[str]):
    """The attribute keys to keep, by pattern. The SDK calls only ``in`` on the set."""

    def __init__(self, included: Iterable[str] | None, excluded: Iterable[str] | None, keep: Iterable[str]) -> None:
        super().__init__(included or ())
        self._keep = frozenset(keep)
        self._included = tuple(included) if included is not None else ("*",)
        self._excluded = tuple(excluded or ())

    def __contains__(self, key: object) -> bool:
        return key in self._keep or (
            any(fnmatchcase(str(key), pattern) for pattern in self._included)
            and not any(fnmatchcase(str(key), pattern) for pattern in self._excluded)
        )


def _instrument(name: str | None) -> type[Any] | None:
    """Return the SDK's class, of ``observable_up_down_counter`` for example; no public name has the gauge's class."""
    if name is None:
        return None
    if name == "gauge":
        return type(metrics.MeterProvider(shutdown_on_exit=False).get_meter("distrokit").create_gauge("gauge"))
    found: type[Any] = getattr(metrics, "".join(word.capitalize() for word in name.split("_")))
    return found


def _aggregation(definition: Mapping[str, Any] | None) -> view.Aggregation | None:
    if not definition:
        return None
    [(name, keywords)] = definition.items()
    options = {key: value for key, value in (keywords or {}).items() if value is not None}
    classes: dict[str, Any] = {
        "default": view.DefaultAggregation,
        "drop": view.DropAggregation,
        "explicit_bucket_histogram": view.ExplicitBucketHistogramAggregation,
        "base2_exponential_bucket_histogram": view.ExponentialBucketHistogramAggregation,
        "last_value": view.LastValueAggregation,
        "sum": view.SumAggregation,
    }
    made: view.Aggregation = classes[name](**options)
    return made
