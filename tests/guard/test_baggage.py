"""Chosen entries of the baggage become attributes."""

from __future__ import annotations

from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach

import distrokit_guard.plugin
from distrokit.testing import in_memory

GUARD = {"guard": distrokit_guard.plugin}
KEYS = {"DISTROKIT_GUARD_BAGGAGE_KEYS": "tenant, user.*"}


def _carrying(**entries):
    context = Context()
    for name, value in entries.items():
        context = baggage.set_baggage(name.replace("_", "."), value, context)
    return context


def test_spans_get_the_chosen_entries():
    with in_memory(GUARD, KEYS, installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("shop")
        tracer.start_span("pay", _carrying(tenant="acme", user_id="7", secret="x"), attributes={"size": 3}).end()
        tracer.start_span("bare", _carrying(secret="x")).end()
        spans = {span.name: dict(span.attributes) for span in telemetry.spans()}

    assert spans == {"pay": {"size": 3, "tenant": "acme", "user.id": "7"}, "bare": {}}


def test_an_attribute_of_the_span_stays():
    with in_memory(GUARD, KEYS, installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("shop")
        tracer.start_span("pay", _carrying(tenant="acme"), attributes={"tenant": "own"}).end()
        (span,) = telemetry.spans()

    assert dict(span.attributes) == {"tenant": "own"}


def test_log_records_get_them_and_long_values_are_left_out():
    with in_memory(GUARD, KEYS, installed=True) as telemetry:
        logger = telemetry.logger_provider.get_logger("shop")
        token = attach(_carrying(tenant="a" * 1024, user_id="b" * 1025, secret="x"))
        try:
            logger.emit(body="paid", attributes={"size": 3})
            logger.emit(body="own", attributes={"tenant": "own"})
        finally:
            detach(token)
        logger.emit(body="bare")
        records = {record.body: dict(record.attributes) for record in telemetry.logs()}

    assert records == {"paid": {"tenant": "a" * 1024, "size": 3}, "own": {"tenant": "own"}, "bare": {}}
