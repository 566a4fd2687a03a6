"""``distrokit explain --diff`` lists every setting that changes what is recorded, and with whom it arrives."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from plans import planned
from processes import distrokit
from setting_rows import OTLP, ROWS, table

from distrokit.cli.difference import difference
from distrokit.launch.assembly import plan_for

#: Their rows say what is the default anyway.
DEFAULTS = {
    "OTEL_PYTHON_ID_GENERATOR",
    "DISTROKIT_METRICS_READER",
    f"{OTLP}TRACES_PROTOCOL",
    f"{OTLP}LOGS_PROTOCOL",
}


def differences(env):
    assembly = plan_for(env)
    return difference(assembly.bare().plan, assembly.plan)


@pytest.mark.parametrize("second", [False, True])
def test_every_setting_that_the_plan_shows_is_listed(second):
    env = {row.name: row.text for row in ROWS if row.second is second}

    listed = {found["source"] for found in differences(env)}

    assert {name for name in env if name not in listed} - DEFAULTS == set()


#: By the beginning of its name, a value of each other setting that is not its default.
VALUES = {
    "OTEL_LOG_LEVEL": "error",
    "OTEL_METRICS_EXEMPLAR_FILTER": "always_on",
    "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false",
    "DISTROKIT_TRACE_HOOKS": "false",
    "DISTROKIT_ATTACH": "false",
    "DISTROKIT_LAZY": "false",
    **{f"OTEL_PYTHON_{kind.upper()}_PROVIDER": f"sdk_{kind}_provider" for kind in ("tracer", "meter", "logger")},
}
#: They have an effect together with others only, or decide what the plan is made of.
ELSEWHERE = ("INSECURE", "HEADERS_FILE", "CONFIG_FILE", "DISTROKIT_TRACE_HOOKS")


@pytest.mark.parametrize(
    "name",
    sorted(
        {s.name for s in table() if "<" not in s.name and not s.name.endswith(ELSEWHERE)} - {row.name for row in ROWS}
    ),
)
def test_every_other_setting_is_listed_by_its_name(name):
    text = VALUES.get(name, "64" if "LIMIT" in name else "true")

    found = [(f["path"], f["value"]) for f in differences({name: text}) if f["source"] == name]

    assert found
    # Strict shows in the plan as what it does: nothing is lazy.
    planned = {
        ("OTEL_SDK_DISABLED", "true"): True,
        ("DISTROKIT_LAZY", "false"): False,
        ("DISTROKIT_STRICT", "true"): False,
    }
    assert [value for _, value in found] == [planned.get((name, text), text)]


def test_what_limits_the_data_is_shown_with_its_default_and_its_source(tmp_path):
    env = {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "64", "OTEL_SPAN_EVENT_COUNT_LIMIT": "7"}

    result = distrokit("explain", "--diff", env=env)

    assert [line.split() for line in result.stdout.splitlines()] == [
        ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "none", "→", "64", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"],
        ["OTEL_SPAN_EVENT_COUNT_LIMIT", "128", "→", "7", "OTEL_SPAN_EVENT_COUNT_LIMIT"],
    ]


def test_what_limits_the_data_is_shown_of_a_file(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    path = tmp_path / "otel.yaml"
    path.write_text('file_format: "1.0"\nattribute_limits: {attribute_count_limit: 3}\n')

    found = {f["path"]: f for f in differences({"OTEL_CONFIG_FILE": str(path), "OTEL_SPAN_LINK_COUNT_LIMIT": "5"})}

    limit = found["OTEL_ATTRIBUTE_COUNT_LIMIT"]
    assert (limit["default"], limit["value"], limit["source"]) == ("128", "3", f"{path}:2:20")
    # The file takes the place of this one.
    assert "OTEL_SPAN_LINK_COUNT_LIMIT" not in found


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"OTEL_SPAN_LINK_COUNT_LIMIT": "128", "OTEL_METRICS_EXEMPLAR_FILTER": "Trace_Based", "OTEL_LOG_LEVEL": "WARN"},
        # What cannot be used, or nobody takes, changes nothing.
        {"OTEL_SPAN_LINK_COUNT_LIMIT": "many", "OTEL_EXPORTER_PROMETHEUS_PORT": "1", "OTEL_PYTHON_ID_GENERATR": "x"},
    ],
)
def test_what_changes_nothing_is_not_listed(env):
    assert differences(env) == []


def test_a_secret_is_not_shown():
    result = in_process("explain", "--diff", "--json", env={"OTEL_PYTHON_ACME_TOKEN": "hush-hush"})

    assert [f["value"] for f in json.loads(result.stdout)["differences"]] == ["****"]


def test_the_samplers_argument_is_the_samplers_alone():
    env = {
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
        "OTEL_PROPAGATORS": "b3",
        "OTEL_PYTHON_ID_GENERATOR": "random",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "host",
        "OTEL_TRACES_EXPORTER": "console",
    }

    plan = planned(env)

    (arg,) = [f for f in differences(env) if f["source"] == "OTEL_TRACES_SAMPLER_ARG"]
    assert (arg["path"], arg["value"]) == ("sampler.parameters.arg", 0.5)
    assert [c for c in plan.components() if "arg" in c.parameters] == [plan.sampler]
