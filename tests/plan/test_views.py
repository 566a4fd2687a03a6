"""Views of plugins: in the form of the configuration model, after those of a file; a wrong one costs itself."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from distributions import write_plugin
from plans import planned, plugin, problems
from processes import instrumented, said
from releases import needs_yaml

from distrokit.plan.model_writer import model_of
from distrokit.plugins.validation import HookError, validate

GOOD = {"selector": {"instrument_name": "c"}, "stream": {"attribute_keys": {"included": ["color"]}}}


def viewing(*views):
    return plugin(distrokit_views=lambda settings: views)


def test_a_view_of_a_plugin_takes_effect_and_a_wrong_one_costs_itself(receiver, tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_views(settings):
            stream = {"name": settings.get("ACME_NAME"), "attribute_keys": {"excluded": ["user.*"]}}
            wrong = {"aggregation": {"explicit_bucket_histogram": {"boundaries": [5, 1]}}}
            return [
                {"selector": {"instrument_name": "h", "instrument_type": "histogram"}, "stream": wrong},
                {"selector": {"instrument_name": "c"}, "stream": stream},
            ]
    """
    program = """
        from opentelemetry import metrics
        meter = metrics.get_meter("m")
        meter.create_counter("c").add(1, {"color": "red", "user.id": "7"})
        meter.create_histogram("h").record(1)
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "ACME_NAME": "renamed",
    }

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    (line,) = said(result)
    assert line == (
        "distrokit: plugin acme 1.0, view 1: its boundaries are not increasing finite numbers; the whole view is left out. "
        "Correct plugin acme 1.0."
    )
    assert sorted((point.name, point.attributes) for point in receiver.store.points()) == [
        ("h", {}),
        ("renamed", {"color": "red"}),
    ]


def test_the_plan_shows_them_in_plugin_order_and_each_once():
    other = {**GOOD, "stream": {"name": "d"}}
    plan = planned(bbb=viewing(other, GOOD), aaa=viewing(GOOD))

    assert plan.describe()["views"] == [{**GOOD, "source": "plugin aaa"}, {**other, "source": "plugin bbb"}]
    assert problems(plan) == []


@needs_yaml
def test_those_of_a_file_come_first_and_a_file_that_was_shown_changes_nothing(tmp_path):
    path = tmp_path / "otel.yaml"
    before = planned(acme=viewing(GOOD))
    path.write_text(json.dumps(model_of(before)))
    shown = planned({"OTEL_CONFIG_FILE": str(path)}, acme=viewing(GOOD, {**GOOD, "stream": {"name": "d"}}))

    assert [view.definition["stream"].get("name") for view in shown.views] == [None, "d"]
    assert [view.source.kind for view in shown.views] == ["file", "plugin"]


@pytest.mark.parametrize(
    ("selector", "stream", "fault"),
    [
        ({}, {}, "its selector has no criterion"),
        ({"instrument_nam": "h"}, {}, "unknown key selector.instrument_nam. Did you mean 'instrument_name'?"),
        ({"instrument_name": 5}, {}, "its selector.instrument_name is not text"),
        ({"instrument_type": "histo"}, {}, "its selector.instrument_type is not one of counter, gauge"),
        ("h", {}, "its selector is not a mapping"),
        ({"instrument_name": "*"}, {"name": "n"}, "it may give several instruments one name"),
        ({"instrument_name": "h"}, {"attribute_keys": {"included": "a"}}, "its stream.attribute_keys.included is not a list"),
        ({"instrument_name": "h"}, {"attribute_keys": {"included": [None]}}, "an item of it, is empty"),
        ({"instrument_name": "h"}, {"attribute_keys": {"included": [1]}}, "an item of it, is not text"),
        ({"instrument_name": "h"}, {"aggregation": {"drop": None, "sum": {}}}, "it has several aggregations: drop, sum"),
        ({"instrument_name": "h"}, {"aggregation": {"mean": {}}}, "unknown key stream.aggregation.mean"),
        ({"instrument_name": "h"}, {"aggregation_cardinality_limit": 0}, "aggregation_cardinality_limit is less than 1"),
        (
            {"instrument_name": "h"},
            {"aggregation": {"base2_exponential_bucket_histogram": {"max_size": True}}},
            "max_size is not a whole number",
        ),
    ],
)  # fmt: skip
def test_a_wrong_view_is_left_out_alone_and_named(selector, stream, fault):
    plan = planned(acme=viewing({"selector": selector, "stream": stream}, GOOD))

    assert [view.definition for view in plan.views] == [GOOD]
    (line,) = problems(plan)
    assert line.startswith("plugin acme, view 1: ")
    assert fault in line
    assert line.endswith("; the whole view is left out. Correct plugin acme.")


def test_a_limit_that_no_plugin_keeps_to_is_reported():
    plan = planned(acme=viewing({"selector": {"unit": "s"}, "stream": {"aggregation_cardinality_limit": 5}}))

    assert len(plan.views) == 1
    (line,) = problems(plan)
    assert line == (
        "plugin acme aggregation_cardinality_limit: OpenTelemetry Python does not support it; it has no effect. "
        "Run `pip install 'distrokit[guard]'`, or exclude attributes with a view's attribute_keys."
    )


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("views", "returned str, expected a list of views, each a mapping"),
        (5, "returned int 5, expected a list of views"),
        (["view"], "returned str in its list, expected a view"),
        ([{"selector": {5: "a"}}], "a key that is not text"),
        ([{"stream": {"aggregation": object()}}], "returned a view with object in it; a view is plain data"),
    ],
)
def test_what_is_no_view_is_the_plugins_mistake(answer, complaint):
    with pytest.raises(HookError, match=complaint):
        validate("distrokit_views", answer)


def test_one_view_or_several_have_one_form_that_nobody_else_holds():
    answer = validate("distrokit_views", GOOD)

    assert answer == validate("distrokit_views", (GOOD,)) == [GOOD]
    assert answer[0]["stream"] is not GOOD["stream"]


def test_explain_shows_them(tmp_path):
    source = f"""
        from distrokit import hookimpl

        @hookimpl
        def distrokit_views():
            return [{GOOD!r}]
    """
    text = in_process("explain", path=[write_plugin(tmp_path, "acme", source)]).stdout

    assert f"view {json.dumps(GOOD)} plugin acme 1.0" in [" ".join(line.split()) for line in text.splitlines()]
