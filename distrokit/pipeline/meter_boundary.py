"""Meters and instruments whose calls neither raise into the application nor enter the SDK twice in one thread.

While its thread is inside the SDK (see :mod:`distrokit.pipeline.reentrancy`), a meter or instrument cannot be made. It
is made later; the object returned meanwhile queues its measurements.
"""

from __future__ import annotations

import functools
from _thread import get_ident
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.metrics import NoOpMeter

from distrokit.diagnostics import quantity
from distrokit.pipeline.measure_stage import Filter, MeasureStage, filtered_callback, filtered_method
from distrokit.pipeline.reentrancy import LIMIT, Reentrancy
from distrokit.pipeline.sdk_measurements import cheaper_method
from distrokit.pipeline.sdk_methods import Misused, method_of

_MEASURING = ("add", "record", "set")
_SYNCHRONOUS = tuple(f"create_{kind}" for kind in ("counter", "up_down_counter", "histogram", "gauge"))
#: The value of an argument that was not given.
_MISSING: Any = object()
_OBSERVABLE = tuple(f"create_observable_{kind}" for kind in ("counter", "up_down_counter", "gauge"))


class MeterBoundary:
    """The error boundary and re-entrancy guard for the meters of one pipeline.

    Args:
        misused: receives each call that raised; the call then returns normally to the application.
        lazy_start: called after the first measurement, and whenever an observable instrument gets a callback.
        say: prints a line about lost measurements.

    Attributes:
        stage: the filters of the instruments that are made from now on; ``None`` for none.
    """

    stage: MeasureStage | None = None

    def __init__(self, misused: Misused, lazy_start: Callable[[], None], say: Callable[[str], None]) -> None:
        self._misused, self._lazy_start, self._say = misused, lazy_start, say
        self._sdk = Reentrancy()
        # Empty after the first measurement; a list, since a look at it is the cheapest test.
        self._first = [lazy_start]

    def forked(self) -> None:
        """Reset in a forked child, which has measured nothing yet."""
        self._sdk.forked()
        self._first[:] = [self._lazy_start]

    def finish(self) -> None:
        """Print the number of dropped measurements, at the end of the process."""
        dropped, self._sdk.dropped = self._sdk.dropped, 0
        if dropped:
            lost = quantity(dropped, "measurement")
            self._say(f"metrics: {lost} lost: signal handlers or finalizers queued more than {LIMIT:,} calls")

    def reader(self, reader: Any) -> None:
        """Mark the reader's collections as time inside the SDK."""
        # The provider sets this function when it registers the reader, which calls it in its own thread.
        collect = getattr(reader, "_collect", None)
        if callable(collect):
            vars(reader)["_collect"] = self._sdk.collector(collect)

    def meter_by(self, get: Callable[[], Any]) -> Any:
        """Return the meter that ``get`` returns, guarded; inside the SDK, a stand-in that calls ``get`` later."""
        if self._sdk.is_inside():
            return self._stand_in_meter(get)
        meter = self._sdk.run(get)
        for name in (*_SYNCHRONOUS, *_OBSERVABLE):
            if name not in vars(meter) and hasattr(type(meter), name):
                setattr(meter, name, self._guard_create(name, meter))
        return meter

    def _guard_create(self, name: str, meter: Any) -> Callable[..., Any]:
        kind, sdk, observable = type(meter), self._sdk, name in _OBSERVABLE

        @functools.wraps(getattr(kind, name))
        def create(*args: Any, **kwargs: Any) -> Any:
            if sdk.is_inside(collecting=observable):
                return self._make_later(name, partial(create, *args, **kwargs))
            try:
                if observable:
                    args, kwargs = self._with_callbacks(name, meter, *args, **kwargs)
                instrument = sdk.run(method_of(kind, name, meter), *args, **kwargs)
            except Exception as error:
                self._misused(f"meter.{name}", error)
                return getattr(NoOpMeter("distrokit"), name)("unusable")
            for method in _MEASURING:
                if method not in vars(instrument) and hasattr(type(instrument), method):
                    keep = self._filter_of(
                        name, meter, getattr(instrument, "name", None), getattr(instrument, "unit", "")
                    )
                    setattr(instrument, method, self._guard_measure(instrument, method, keep))
            return instrument

        return create

    def _filter_of(self, create: str, meter: Any, name: Any, unit: Any) -> Filter | None:
        """Return what filters the measurements of an instrument that this method of the meter makes."""
        if self.stage is None or not isinstance(name, str):
            return None
        kind: Any = create.removeprefix("create_")
        return self.stage.filter_of(kind, name, unit, meter)

    def _with_callbacks(
        self, create: str, meter: Any, /, name: Any, callbacks: Any = None, *args: Any, **kwargs: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if callbacks:
            callbacks = [self._sdk.callback(callback) for callback in callbacks]
            # The SDK may collect as soon as the instrument is made.
            keep = self._filter_of(create, meter, name, args[0] if args else kwargs.get("unit"))
            if keep is not None:
                refused = partial(self._refused, name, "callback")
                callbacks = [filtered_callback(callback, keep, refused) for callback in callbacks]
            self._lazy_start()
        return (name, callbacks, *args), kwargs

    def _refused(self, instrument: str, method: str, error: Exception) -> None:
        self._misused(f"{instrument}.{method}", error, "its attributes are dropped")

    def _guard_measure(self, instrument: Any, name: str, keep: Filter | None) -> Callable[..., None]:
        """Return the method that the application calls.

        Args:
            keep: filters the attributes; ``None`` for no filter: then the method costs as much as without the stage.
        """
        kind, misused = type(instrument), self._misused
        bind = partial(_method_to_call, instrument, name, keep, self._refused)
        sdk, inside, pending = self._sdk, self._sdk.inside, self._sdk.pending
        enter, leave, first, missing = inside.add, inside.discard, self._first, _MISSING
        found, method = getattr(kind, name), bind()

        # Repeats Reentrancy.run, since an additional call would cost time in the application's loops. So would a tuple
        # of all arguments; these are passed on as they came, since a patch of the method may take others.
        def measure(
            amount: Any = missing, attributes: Any = missing, context: Any = missing, /, *more: Any, **named: Any
        ) -> None:
            nonlocal found, method
            here = get_ident()
            if here in inside and sdk.is_inside():
                call = self._call_to_queue(measure, instrument, name, keep)
                sdk.postpone_measurement(call, _given(amount, attributes, context, *more), named)
                return
            try:
                enter(here)
                if found is not getattr(kind, name):
                    found, method = getattr(kind, name), bind()
                if named and attributes is missing is not amount:
                    method(amount, **named)
                elif named or more or amount is missing:
                    method(*_given(amount, attributes, context, *more), **named)
                elif attributes is missing:
                    method(amount)
                elif context is missing:
                    method(amount, attributes)
                else:
                    method(amount, attributes, context)
            except Exception as error:
                misused(f"{instrument.name}.{name}", error)
            finally:
                leave(here)
                if pending or first:
                    self._after_measurement()

        sdk.entering.add(measure.__code__)
        return functools.update_wrapper(measure, found)

    def _call_to_queue(
        self, measure: Callable[..., None], instrument: Any, name: str, keep: Filter | None
    ) -> Callable[..., None]:
        """Return what measures later.

        A filter that measures would queue a call for each one that is replayed, without end. So the second time its
        measurement passes no filter, and is recorded without attributes.
        """
        stage = self.stage
        if stage is None or keep is None or not self._sdk.is_replaying() or not stage.runs_here():
            return measure
        return partial(self._measure_bare, stage, instrument, name)

    def _measure_bare(self, stage: MeasureStage, instrument: Any, name: str, *args: Any, **kwargs: Any) -> None:
        self._guard_measure(instrument, name, stage.without_attributes)(*args, **kwargs)

    def _after_measurement(self) -> None:
        if self._first:
            self._first.clear()
            self._lazy_start()
        self._sdk.replay()

    def _stand_in_meter(self, get: Callable[[], Any]) -> Any:
        meter = NoOpMeter("distrokit")
        for name in (*_SYNCHRONOUS, *_OBSERVABLE):
            setattr(meter, name, partial(self._create_later, get, name))
        return meter

    def _create_later(self, get: Callable[[], Any], name: str, *args: Any, **kwargs: Any) -> Any:
        def make() -> Any:
            return getattr(self.meter_by(get), name)(*args, **kwargs)

        return self._make_later(name, make) if self._sdk.is_inside() else make()

    def _make_later(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a stand-in for an instrument, which is made when the thread has left the SDK."""
        instrument = getattr(NoOpMeter("distrokit"), name)("late")
        if name in _OBSERVABLE:
            self._sdk.postpone(make)
            return instrument
        instruments: list[Any] = []

        def call(method: str, *args: Any, **kwargs: Any) -> None:
            if not instruments and self._sdk.is_inside():
                self._sdk.postpone_measurement(partial(call, method), args, kwargs)
                return
            if not instruments:
                instruments.append(make())
            getattr(instruments[0], method)(*args, **kwargs)

        for method in _MEASURING:
            if hasattr(instrument, method):
                setattr(instrument, method, partial(call, method))
        return instrument


def _fastest_method(instrument: Any, name: str) -> Callable[..., Any]:
    """Return the method that the instrument's class has now, bound to it; the cheaper form of the SDK's own."""
    kind = type(instrument)
    return cheaper_method(instrument, name, getattr(kind, name)) or method_of(kind, name, instrument)


def _method_to_call(
    instrument: Any, name: str, keep: Filter | None, refused: Callable[[str, str, Exception], None]
) -> Callable[..., Any]:
    method = _fastest_method(instrument, name)
    if keep is None:
        return method
    filtered: Callable[..., Any] = filtered_method(method, keep, partial(refused, instrument.name, name))
    return filtered


def _given(*args: Any) -> tuple[Any, ...]:
    """Return the arguments that were given."""
    return tuple(argument for argument in args if argument is not _MISSING)
