"""``changed_span``: a span made of a finished one."""

from __future__ import annotations

import inspect

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from distrokit import changed_span


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
    changed = changed_span(span, name="other", attributes={"a": 1})

    assert (changed.name, dict(changed.attributes)) == ("other", {"a": 1})
    assert (span.name, dict(span.attributes)) == ("s", {"card": "1234", "a": 1})
    for part in ("context", "parent", "resource", "kind", "start_time", "end_time", "instrumentation_scope"):
        assert getattr(changed, part) == getattr(span, part)
    assert [event.name for event in changed.events] == ["e"]
    assert list(changed.links) == list(span.links)
    assert changed.status.description == "no"


def test_every_part_that_the_public_constructor_takes_can_be_exchanged(span):
    parts = set(inspect.signature(ReadableSpan).parameters) - {"instrumentation_info"}

    same = changed_span(span, **{part: getattr(span, part) for part in parts})

    assert same.to_json() == span.to_json()


def test_what_it_does_not_have_is_refused(span):
    with pytest.raises(TypeError, match="colour"):
        changed_span(span, colour="red")
