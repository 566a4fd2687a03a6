"""The limits of attribute sets in a configuration file and in views: they select the processor that keeps to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distrokit.plan.selection.selection import SelectedComponent
from distrokit.settings.values import Source, Value

#: The processor at the stage ``measure`` that limits in a file or a view select, whatever plugin declares it.
CARDINALITY = "cardinality"

#: The key of a metric reader in the configuration model, and of a view's stream.
READER_KEY, VIEW_KEY = "cardinality_limits", "aggregation_cardinality_limit"


@dataclass(frozen=True)
class LimitPlace:
    """A place that has a limit.

    Attributes:
        key: in the configuration model.
        limits: the node of a reader's ``cardinality_limits``; ``None`` for a view, whose definition has the limit.
    """

    key: str
    source: Source
    limits: Value[Any] | None = None


def select_limiter(places: Sequence[LimitPlace]) -> SelectedComponent | None:
    """Return the processor that these limits select; ``None`` if there is none.

    Its property ``reader_limits`` is the list of the readers' ``cardinality_limits``.
    """
    if not places:
        return None
    source = places[0].source
    limits = [place.limits for place in places if place.limits is not None]
    properties = Value({"reader_limits": Value(limits, source)}, source)
    return SelectedComponent(CARDINALITY, source, str(source), properties)


def take_limits(reader: SelectedComponent) -> tuple[SelectedComponent, Value[Any] | None]:
    """Return a metric reader without its limits, which are no property of the component, and the limits."""
    properties = reader.properties
    if properties is None or READER_KEY not in properties.value:
        return reader, None
    others = Value({key: value for key, value in properties.value.items() if key != READER_KEY}, properties.source)
    return SelectedComponent(reader.name, reader.source, reader.setting, others), properties.at(READER_KEY)
