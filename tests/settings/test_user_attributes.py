"""``OTEL_ENTITIES``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_SERVICE_NAME``: what they say of the process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import planned, problems


def read(**environ):
    plan = planned({f"OTEL_{name}": text for name, text in environ.items()})
    return {name: value.value for name, value in plan.resource.attributes.items()}, problems(plan)


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("service{service.name=app1}", {"service.name": "app1"}),
        (
            "service{service.name=a,service.instance.id=1}[service.version=1.0]@https://opentelemetry.io/schemas/1.21.0;host{host.id=h}",
            {"service.name": "a", "service.instance.id": "1", "service.version": "1.0", "host.id": "h"},
        ),
        (";service{service.name=app1};;host{host.id=host-123};", {"service.name": "app1", "host.id": "host-123"}),
        (
            "service{service.name=my%2Capp}[config=key%3Dvalue%5Bprod%5D]",
            {"service.name": "my,app", "config": "key=value[prod]"},
        ),
    ],
)
def test_the_specifications_examples_of_entities(text, attributes):
    assert read(ENTITIES=text) == (attributes, [])


@pytest.mark.parametrize(
    ("text", "attributes", "says"),
    [
        (
            "service{service.name=app1};invalid{syntax;service{service.name=app2}",
            {"service.name": "app2"},
            "item 2 is not type{",
        ),
        ("service{};host{host.id=123}", {"host.id": "123"}, "item 1 is not type{"),
        ("service{a=1}[b=1];service{a=2}[b=2]", {"a": "2", "b": "2"}, "item 2 is a second entity of type service"),
        ("service{a=b=c}", {}, "item 1 is not type{"),
        ("s{a=1}[b]", {}, "item 1 is not type{"),
    ],
)
def test_an_entity_that_is_none_costs_itself(text, attributes, says):
    found, said = read(ENTITIES=text)

    assert found == attributes
    assert says in said[0]


def test_later_ones_overrule_earlier_ones():
    found, said = read(ENTITIES="s{service.name=e,a=e,b=e}", RESOURCE_ATTRIBUTES="service.name=r,a=r", SERVICE_NAME="s")

    assert (found, said) == ({"service.name": "s", "a": "r", "b": "e"}, [])


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_breaks_the_reading(entities, attributes):
    found, _ = read(ENTITIES=entities, RESOURCE_ATTRIBUTES=attributes)

    assert all(isinstance(value, str) for value in found.values())
