"""Meters and instruments whose calls neither raise into the application nor enter the SDK twice in one thread.

A meter, or an instrument, that cannot be made because its thread is inside the SDK (see
:mod:`distrokit.pipeline.pipeline.reentrancy`) is made later; what is returned meanwhile queues what it is given.
"""

from __future__ import annotations

import functools
from _thread import get_ident
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.metrics import NoOpMeter

from distrokit.diagnostics import quantity
from distrokit.pipeline.patched import Misused, method_of
from distrokit.pipeline.reentrancy import Reentrancy

_MEASURING = ("add", "record", "set")
_SYNCHRONOUS = tuple(f"create_{kind}" for kind in ("counter", "up_down_counter", "histogram", "gauge"))
_OBSERVABLE = tuple(f"create_observable_{kind}" for kind in ("counter", "up_down_counter", "gauge"))


class Measuring:
    """Of one pipeline.

    Args:
        misused: told of each call that raised; the call returns as if it had done its work.
        in_use: called after the first measurement, and whenever an observable instrument gets a callback.
        say: prints a line about measurements that were lost.
    """

    def __init__(self, misused: Misused, lazy_start: Callable[[], None], say: Callable[[str], None]) -> None:
        self._misused, self._lazy_start, self._say = misused, lazy_start, say
        self._sdk = Reentrancy()
        # What the first measurement does afterwards.
        self._first = [lazy_start]

    def forked(self) -> None:
        """In a child: it has measured nothing yet."""
        self._sdk.forked()
        self._first[:] = [self._lazy_start]

    def finish(self) -> None:
        """At the end: say how many measurements were dropped."""
        dropped, self._sdk.dropped = self._sdk.dropped, 0
        if dropped:
            lost = quantity(dropped, "measurement")
            self._say(f"metrics: {lost} lost: signal handlers or finalizers made too many during one call of the SDK")

    def reader(self, reader: Any) -> None:
        """Have the reader's collections known as what they are: time inside the SDK."""
        # The SDK gives it to the reader when it is registered; readers call it in threads of their own.
        collect = getattr(reader, "_collect", None)
        if callable(collect):
            vars(reader)["_collect"] = self._sdk.collector(collect)

    def meter_by(self, get: Callable[[], Any]) -> Any:
        """The meter that ``get`` returns."""
        if self._sdk.is_inside():
            return self._late_meter(get)
        meter = self._sdk.run(get)
        for name in (*_SYNCHRONOUS, *_OBSERVABLE):
            if name not in vars(meter) and hasattr(type(meter), name):
                setattr(meter, name, self._creating(name, meter))
        return meter

    def _creating(self, name: str, meter: Any) -> Callable[..., Any]:
        kind, sdk, observable = type(meter), self._sdk, name in _OBSERVABLE

        @functools.wraps(getattr(kind, name))
        def creating(*args: Any, **kwargs: Any) -> Any:
            if sdk.is_inside(collecting=observable):
                return self._late(name, partial(creating, *args, **kwargs))
            try:
                if observable:
                    args, kwargs = self._with_callbacks(*args, **kwargs)
                instrument = sdk.run(method_of(kind, name, meter), *args, **kwargs)
            except Exception as error:
                self._misused(f"meter.{name}", error)
                return getattr(NoOpMeter("distrokit"), name)("unusable")
            for method in _MEASURING:
                if method not in vars(instrument) and hasattr(type(instrument), method):
                    setattr(instrument, method, self._measuring(instrument, method))
            return instrument

        return creating

    def _with_callbacks(
        self, name: str, callbacks: Any = None, *args: Any, **kwargs: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if callbacks:
            callbacks = [self._sdk.callback(callback) for callback in callbacks]
            self._lazy_start()
        return (name, callbacks, *args), kwargs

    def _measuring(self, instrument: Any, name: str) -> Callable[..., None]:
        kind, misused = type(instrument), self._misused
        sdk, inside, pending = self._sdk, self._sdk.inside, self._sdk.pending
        enter, leave, first = inside.add, inside.discard, self._first
        found, method = getattr(kind, name), method_of(kind, name, instrument)

        # As Reentrancy.run, written out: this is called in the application's loops.
        def measure(*args: Any, **kwargs: Any) -> None:
            nonlocal found, method
            here = get_ident()
            if here in inside and sdk.is_inside():
                sdk.postpone_measurement(measure, args, kwargs)
                return
            try:
                enter(here)
                if found is not getattr(kind, name):
                    found, method = getattr(kind, name), method_of(kind, name, instrument)
                method(*args, **kwargs)
            except Exception as error:
                misused(f"{instrument.name}.{name}", error)
            finally:
                leave(here)
                if pending or first:
                    self._measured()

        sdk.entering.add(measure.__code__)
        return functools.update_wrapper(measure, found)

    def _measured(self) -> None:
        if self._first:
            self._first.clear()
            self._lazy_start()
        self._sdk.replay()

    def _late_meter(self, get: Callable[[], Any]) -> Any:
        meter = NoOpMeter("distrokit")
        for name in (*_SYNCHRONOUS, *_OBSERVABLE):
            setattr(meter, name, partial(self._create_late, get, name))
        return meter

    def _create_late(self, get: Callable[[], Any], name: str, *args: Any, **kwargs: Any) -> Any:
        def make() -> Any:
            return getattr(self.meter_by(get), name)(*args, **kwargs)

        return self._late(name, make) if self._sdk.is_inside() else make()

    def _late(self, name: str, make: Callable[[], Any]) -> Any:
        """An instrument that is made when the thread has left the SDK."""
        instrument = getattr(NoOpMeter("distrokit"), name)("late")
        if name in _OBSERVABLE:
            self._sdk.postpone(make)
            return instrument
        made: list[Any] = []

        def call(method: str, *args: Any, **kwargs: Any) -> None:
            if not made and self._sdk.is_inside():
                self._sdk.postpone_measurement(partial(call, method), args, kwargs)
                return
            if not made:
                made.append(make())
            getattr(made[0], method)(*args, **kwargs)

        for method in _MEASURING:
            if hasattr(instrument, method):
                setattr(instrument, method, partial(call, method))
        return instrument
