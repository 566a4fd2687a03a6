"""``plan.add_propagator``: a propagator beside those that run, whoever chose them."""

from __future__ import annotations

import pytest
from opentelemetry.propagators.textmap import TextMapPropagator
from plans import assembled, plugin, problems
from releases import needs_yaml

from distrokit import Propagator
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.propagation import build_propagator
from distrokit.plan.model_writer import model_of


class Marks(TextMapPropagator):
    def __init__(self, field):
        self.field = field

    @property
    def fields(self):
        return {self.field}

    def extract(self, carrier, context=None, getter=None):
        return context

    def inject(self, carrier, context=None, setter=None):
        carrier["mark"] = "x"


def adding(name="mark", field="mark"):
    return plugin(distrokit_plan=lambda plan: plan.add_propagator(Propagator(name, lambda context: Marks(field))))


def names(plan):
    return [(component.name, str(component.source)) for component in plan.propagators]


def fields(assembly):
    return build_propagator(ComponentFactory(assembly.plan, assembly.plugins)).fields


def test_beside_opentelemetrys_own_where_nobody_chose():
    assembly = assembled({}, acme=adding())

    default = "default of opentelemetry-api"
    assert names(assembly.plan) == [("tracecontext", default), ("baggage", default), ("mark", "plugin acme")]
    assert problems(assembly.plan) == []
    assert fields(assembly) == {"traceparent", "tracestate", "baggage", "mark"}
    assert model_of(assembly.plan)["propagator"]["composite"] == [
        {"tracecontext": None}, {"baggage": None}, {"mark": None},
    ]  # fmt: skip


@pytest.mark.parametrize(("chosen", "also"), [("b3", ["b3"]), ("none", [])])
def test_beside_those_that_the_user_chose(chosen, also):
    plan = assembled({"OTEL_PROPAGATORS": chosen}, acme=adding()).plan

    assert names(plan) == [*((name, "OTEL_PROPAGATORS") for name in also), ("mark", "plugin acme")]


@needs_yaml
def test_beside_those_of_a_file(tmp_path):
    path = tmp_path / "otel.yaml"
    path.write_text("file_format: '1.0'\npropagator:\n  composite: [b3:]\n")

    plan = assembled({"OTEL_CONFIG_FILE": str(path)}, acme=adding()).plan

    assert [name for name, _ in names(plan)] == ["b3", "mark"]


def test_one_that_is_there_stays_as_it_is():
    twice = assembled({}, acme=adding(), bcme=adding("MARK", "other"), ccme=adding("baggage", "mine"))

    assert [name for name, _ in names(twice.plan)] == ["tracecontext", "baggage", "mark"]
    assert fields(twice) == {"traceparent", "tracestate", "baggage", "mark"}


def test_what_is_no_declaration_costs_the_plugin():
    plan = assembled({}, acme=plugin(distrokit_plan=lambda plan: plan.add_propagator(Marks("x")))).plan

    (line,) = problems(plan)
    assert "distrokit_plan: TypeError: plan.add_propagator takes a distrokit.Propagator, not Marks" in line
    assert plan.propagators is None
