"""A guarded instrument is called as the SDK's own: with any arguments, and with patches of its class."""

from __future__ import annotations

from unittest import mock

import pytest
from opentelemetry.sdk.metrics import Counter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from distrokit.pipeline.meter_boundary import MeterBoundary
from distrokit.pipeline.scopes import ScopedMeterProvider

MISUSED: list[tuple] = []


@pytest.fixture
def meters():
    MISUSED.clear()
    reader = InMemoryMetricReader()
    provider = ScopedMeterProvider([reader], shutdown_on_exit=False)
    provider.measuring = MeterBoundary(lambda *args: MISUSED.append(args), lambda: None, print)
    provider.measuring.reader(reader)
    return provider.get_meter("m"), reader


def values(reader):
    data = reader.get_metrics_data()
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
    return {
        (metric.name, *point.attributes.items()): point.value for metric in metrics for point in metric.data.data_points
    }


#: Ways to call; each counts one.
CALLS = {
    "amount": lambda counter: counter.add(1),
    "amount, attributes": lambda counter: counter.add(1, {"k": 1}),
    "amount, attributes, context": lambda counter: counter.add(1, {"k": 1}, None),
    "attributes by name": lambda counter: counter.add(1, attributes={"k": 1}),
    "context by name": lambda counter: counter.add(1, {"k": 1}, context=None),
    "all by name": lambda counter: counter.add(amount=1, attributes={"k": 1}, context=None),
    "none for attributes": lambda counter: counter.add(1, None),
}


@pytest.mark.parametrize("call", CALLS)
def test_arguments_by_place_and_by_name(meters, call):
    meter, reader = meters
    CALLS[call](meter.create_counter("c"))

    key = ("c",) if call in ("amount", "none for attributes") else ("c", ("k", 1))
    assert values(reader) == {key: 1}
    assert MISUSED == []


@pytest.mark.parametrize("call", CALLS)
def test_a_patch_is_given_the_arguments_as_the_application_gave_them(meters, call):
    counter = meters[0].create_counter("c")
    with mock.patch.object(Counter, "add") as ours:
        CALLS[call](counter)
    plain = mock.Mock()
    CALLS[call](plain)

    assert ours.call_args == plain.add.call_args


def test_a_patch_has_its_effect_while_it_lasts(meters):
    meter, reader = meters
    counter, sdk = meter.create_counter("c"), Counter.add

    def twice(self, amount, *args, **kwargs):
        return sdk(self, 2 * amount, *args, **kwargs)

    counter.add(1)
    with mock.patch.object(Counter, "add", twice):
        counter.add(10)
    counter.add(100)

    assert values(reader) == {("c",): 121}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda counter: counter.add(),
        lambda counter: counter.add(1, {}, None, 4),
        lambda counter: counter.add(1, labels={}),
        lambda counter: counter.add(1, {}, attributes={}),
        lambda counter: counter.add(amount=1, labels={}),
    ],
)
def test_arguments_that_the_sdk_does_not_have_are_reported_and_not_raised(meters, wrong):
    meter, reader = meters
    wrong(meter.create_counter("c"))

    ((name, error),) = MISUSED
    assert (name, type(error)) == ("c.add", TypeError)
    assert values(reader) == {}


@pytest.mark.parametrize("by_name", [False, True])
def test_a_queued_measurement_keeps_the_attributes_as_they_were(meters, by_name):
    """The SDK compares the amount: there the thread is inside a measurement."""
    meter, reader = meters
    inner, outer = meter.create_counter("inner"), meter.create_counter("outer")

    class Amount(int):
        def __lt__(self, other):
            attributes = {"k": "as it was"}
            inner.add(1, attributes=attributes) if by_name else inner.add(1, attributes)
            attributes["k"] = "later"
            return False

    outer.add(Amount(5))

    assert values(reader) == {("outer",): 5, ("inner", ("k", "as it was")): 1}
