"""The stage ``measure`` of the metrics signal: filters of the attributes of each measurement, before it is aggregated.

The SDK has no processors for measurements, and its aggregations cannot be changed afterwards: a sum over a million
attribute sets has taken its memory already, and a secret in an attribute is in the exemplars, too. So the filters run
in the methods that :mod:`distrokit.pipeline.meter_boundary` puts on instruments, and around the callbacks of observable
ones. An instrument for which no processor returns a filter is left as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeAlias

from opentelemetry.metrics import Meter, Observation

from distrokit.declarations import Instrument, InstrumentKind
from distrokit.diagnostics import quantity
from distrokit.pipeline.transforms import ErrorReporter, Named
from distrokit.plan.selection.views import selects

#: Takes the attributes of a measurement, and returns those to record.
Filter: TypeAlias = Callable[[Any], Any]

#: The value of an argument that was not given.
_MISSING: Any = object()
_OUTCOME = "measurements are recorded without attributes"


class MeasureStage:
    """The filters of one pipeline's instruments.

    A filter that raises must neither show what it should have removed nor change a sum. So the measurement is recorded
    without attributes, and counted.

    Args:
        parts: each takes an :class:`~distrokit.Instrument` and returns a filter, or ``None``; in this order.
        views: the definitions of the plan's views that the provider has, in their order.
        report: called when a part or a filter raises, or returns something of another type.
        say: prints the number of measurements that were recorded without attributes.
    """

    def __init__(
        self,
        parts: Sequence[Named[Callable[[Instrument], Any]]],
        views: Sequence[Mapping[str, Any]],
        report: ErrorReporter,
        say: Callable[[str], None],
    ) -> None:
        self._parts, self._views, self._report, self._say = tuple(parts), tuple(views), report, say
        # Not locked: it is for one message at shutdown only.
        self._bare = 0
        # All guarded filters have one code.
        self._running = self._guard("", dict).__code__

    def filter_of(self, kind: InstrumentKind, name: str, unit: str | None, meter: Meter) -> Filter | None:
        """Return what filters the measurements of an instrument; ``None`` if nothing does.

        It does not raise if a part or a filter does.
        """
        scope = (meter.name, meter.version, meter.schema_url)
        unit, name = unit or "", name.lower()
        views = tuple(view for view in self._views if selects(view, kind, name, unit, scope))
        instrument = Instrument(name, kind, unit, meter.name, views)
        filters = [made for part in self._parts if (made := self._make(part, instrument)) is not None]
        if len(filters) <= 1:
            return filters[0] if filters else None

        def run_all(attributes: Any) -> Any:
            for each in filters:
                attributes = each(attributes)
            return attributes

        return run_all

    def _make(self, part: Named[Callable[[Instrument], Any]], instrument: Instrument) -> Filter | None:
        try:
            made = part.part(instrument)
            if made is not None and not callable(made):
                raise TypeError(f"it returned {type(made).__name__} for an instrument, not a filter or None")
        except Exception as error:
            self._report(part.name, error, f"{instrument.name}: its {_OUTCOME}")
            return self.without_attributes
        return None if made is None else self._guard(part.name, made)

    def _guard(self, name: str, run: Filter) -> Any:
        """Return the filter in an error boundary."""

        def guarded(attributes: Any) -> Any:
            try:
                kept = run(attributes)
                # Not isinstance at once, which costs more.
                if kept is attributes or type(kept) is dict or kept is None or isinstance(kept, Mapping):
                    return kept
                raise TypeError(f"it returned {type(kept).__name__}, not attributes or None")
            except Exception as error:
                self._report(name, error, _OUTCOME)
                return self.without_attributes(attributes)

        return guarded

    def without_attributes(self, attributes: object) -> dict[str, Any]:
        """Return no attributes, and count the measurement."""
        self._bare += 1
        return {}

    def runs_here(self) -> bool:
        """True if the caller was called from inside a filter, as a signal handler that interrupts one is."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  (the cheap way to the stack of the own thread)
        while frame is not None and frame.f_code is not self._running:
            frame = frame.f_back
        return frame is not None

    def forked(self) -> None:
        """Reset in a forked child."""
        self._bare = 0

    def finish(self) -> None:
        """Print how many measurements were recorded without attributes, at the end of the process."""
        bare, self._bare = self._bare, 0
        if bare:
            recorded = quantity(bare, "measurement")
            self._say(f"metrics: {recorded} recorded without attributes: a processor at the stage measure failed")


def filtered_method(method: Callable[..., None], keep: Filter, refused: Callable[[Exception], None]) -> Any:
    """Return a measuring method that passes its attributes through a filter; it takes the arguments of ``method``.

    Args:
        keep: does not raise.
        refused: is told of attributes that are no mapping, which are not recorded.
    """

    def measure(amount: Any = _MISSING, attributes: Any = _MISSING, /, *more: Any, **named: Any) -> None:
        if type(attributes) is dict and not more and not named:
            method(amount, keep(attributes))
        elif attributes is not _MISSING:
            method(amount, keep(_mapping_or_none(attributes, refused)), *more, **named)
        else:
            kept = keep(_mapping_or_none(named.pop("attributes", None), refused))
            if kept:
                named["attributes"] = kept
            if amount is _MISSING:
                method(**named)
            else:
                method(amount, **named)

    return measure


def filtered_callback(callback: Callable[[Any], Any], keep: Filter, refused: Callable[[Exception], None]) -> Any:
    """Return a callback of an observable instrument whose observations pass a filter.

    Observations that have equal attributes then are not merged: the SDK adds up those of one collection, of all
    callbacks of the instrument; of a gauge it keeps the last one.

    Args:
        callback: a function, not a generator object.
        keep, refused: as in :func:`filtered_method`.
    """

    def observe(options: Any) -> Iterator[Any]:
        for observation in callback(options):
            given = observation.attributes
            kept = keep(_mapping_or_none(given, refused))
            if kept is given:
                yield observation
            else:
                yield Observation(observation.value, kept, observation.context)

    return observe


def _mapping_or_none(attributes: Any, refused: Callable[[Exception], None]) -> Any:
    """Return the attributes; ``None`` for what is no mapping.

    A filter could not look into it, and not all releases of the SDK refuse it.
    """
    if attributes is None or isinstance(attributes, Mapping):
        return attributes
    refused(TypeError(f"attributes are a mapping or None, not {type(attributes).__name__}"))
    return None
