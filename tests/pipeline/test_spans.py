"""``replace_span``: a span made of a finished one."""

from __future__ import annotations

import inspect

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from distrokit import replace_span


@pytest.fixture
def span():
    tracer = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False).get_tracer("t", "1.0")
    parent = tracer.start_span("parent")
    with tracer.start_as_current_span(
        "s", kind=SpanKind.CLIENT, attributes={"card": "1234", "a": 1}, links=[Link(parent.get_span_context())]
    ) as span:
        span.add_event("e", {"x": 1})
        span.set_status(Status(StatusCode.ERROR, "no"))
    return span


def test_what_is_given_is_changed_and_the_rest_stays(span):
    changed = replace_span(span, name="other", attributes={"a": 1})

    assert (changed.name, dict(changed.attributes)) == ("other", {"a": 1})
    assert (span.name, dict(span.attributes)) == ("s", {"card": "1234", "a": 1})
    for part in ("context", "parent", "resource", "kind", "start_time", "end_time", "instrumentation_scope"):
        assert getattr(changed, part) == getattr(span, part)
    assert [event.name for event in changed.events] == ["e"]
    assert list(changed.links) == list(span.links)
    assert changed.status.description == "no"


def test_every_part_that_the_public_constructor_takes_can_be_exchanged(span):
    parts = set(inspect.signature(ReadableSpan).parameters) - {"instrumentation_info"}

    same = replace_span(span, **{part: getattr(span, part) for part in parts})

    assert same.to_json() == span.to_json()


def test_what_it_does_not_have_is_refused(span):
    with pytest.raises(TypeError, match="colour"):
        replace_span(span, colour="red")


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"end_time": "now"}, TypeError, "end_time must be int, not str"),
        ({"start_time": 1.5}, TypeError, "start_time must be int, not float"),
        ({"end_time": None}, TypeError, "end_time must be int, not NoneType"),
        ({"end_time": -1}, ValueError, "end_time must be nanoseconds"),
        ({"start_time": 1 << 64}, ValueError, "start_time must be nanoseconds"),
        ({"name": None}, TypeError, "name must be str, not NoneType"),
        ({"context": None}, TypeError, "context must be SpanContext, not NoneType"),
        ({"parent": "1234"}, TypeError, "parent must be SpanContext or None, not str"),
        ({"resource": {"service.name": "x"}}, TypeError, "resource must be Resource, not dict"),
        ({"attributes": [("a", 1)]}, TypeError, "attributes must be Mapping or None, not list"),
        ({"attributes": {1: "a"}}, TypeError, "attributes: the key 1 is int, not str"),
        ({"attributes": {"a": object()}}, TypeError, "attributes: 'a' is object"),
        ({"attributes": {"a": 1 << 63}}, ValueError, "attributes: 'a' has more than 64 bits"),
        ({"attributes": {"a": CYCLE}}, ValueError, "attributes: 'a' contains itself"),
        ({"events": ["e"]}, TypeError, "events must be of EventBase, not of str"),
        ({"events": None}, TypeError, "events must be Sequence, not NoneType"),
        ({"events": [Event("e", {"a": {1}})]}, TypeError, "attributes of events: 'a' is set"),
        ({"links": [object()]}, TypeError, "links must be of Link, not of object"),
        ({"kind": "CLIENT"}, TypeError, "kind must be SpanKind, not str"),
        ({"status": StatusCode.OK}, TypeError, "status must be Status, not StatusCode"),
        (
            {"instrumentation_scope": "t"},
            TypeError,
            "instrumentation_scope must be InstrumentationScope or None, not str",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_part(span, changes, error, named):
    with pytest.raises(error, match=named):
        replace_span(span, **changes)
