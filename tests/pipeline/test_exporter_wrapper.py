"""An exporter in front of another one, as a plugin writes it."""

from __future__ import annotations

import copy

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from distrokit import ExporterWrapper


class Retrying(InMemorySpanExporter):
    """An exporter with ``attempt`` and an attribute of its own."""

    temperature = 7

    def __init__(self):
        super().__init__()
        self.calls = []

    def attempt(self, items, timeout_seconds):
        self.export(items)

    def begin_shutdown(self, deadline):
        self.calls.append(deadline)

    def forked(self):
        self.calls.append("forked")


class Dropping(ExporterWrapper, SpanExporter):
    """Defines ``export`` alone."""

    def export(self, spans):
        return SpanExportResult.SUCCESS


class Counting(Dropping):
    """Defines ``attempt``, too."""

    def attempt(self, items, timeout_seconds):
        return self._exporter.attempt(items, timeout_seconds)


def test_a_wrapper_that_defines_export_alone_is_not_passed_by():
    assert not hasattr(Dropping(Retrying()), "attempt")
    assert hasattr(Counting(Retrying()), "attempt")
    assert hasattr(ExporterWrapper(Retrying()), "attempt")


def test_everything_else_is_the_inner_exporters():
    inner = Retrying()
    outer = Counting(inner)

    assert outer.temperature == 7
    outer.begin_shutdown(3.0)
    outer.forked()
    assert inner.calls == [3.0, "forked"]
    assert outer.force_flush(100) is True
    outer.shutdown()
    assert inner.export([]) is SpanExportResult.FAILURE


def test_it_can_be_copied_and_has_no_attribute_that_nobody_has():
    assert copy.copy(Counting(Retrying())).temperature == 7
    with pytest.raises(AttributeError):
        _ = Counting(Retrying()).nothing
