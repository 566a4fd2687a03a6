"""``distrokit config``: what people type to get from variables to a file, and to trust it."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from plans import planned
from processes import distrokit
from requests import certs

pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
import yaml

ENV = {
    "OTEL_SERVICE_NAME": "shop $1",
    "OTEL_RESOURCE_ATTRIBUTES": "team=a,n=1,o=0o14,yes=no,t=true,q=a%22%27b,l=a%0Ab,u=%C3%BC,r=%24%7BX%7D,e=",
    "OTEL_TRACES_EXPORTER": "otlp,console",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4317",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector:4318/v1/traces",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": certs.where(),
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=very-secret",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
    "OTEL_METRICS_EXPORTER": "otlp,prometheus",
    "OTEL_EXPORTER_PROMETHEUS_PORT": "0",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    "OTEL_METRICS_EXEMPLAR_FILTER": "Always_Off",
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.25",
    "OTEL_PROPAGATORS": "b3,baggage",
    "OTEL_BSP_MAX_QUEUE_SIZE": "99",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "7",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "8",
    "OTEL_LOG_LEVEL": "error",
    "OTEL_PYTHON_ID_GENERATOR": "random",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "x-a,x-b",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask",
    "DISTROKIT_LOGS_PROCESSOR": "simple",
    "DISTROKIT_DETECTOR_TIMEOUT": "1500",
}


def essence(plan):
    """What a plan will build, without who chose it and what the two modes call it."""

    def component(described, exporter=False):
        parameters = {n: v["value"] for n, v in described["parameters"].items() if n not in ("protocol", "user_agent")}
        return [parameters if exporter else (described["name"], parameters)]

    described = plan.describe()
    signals = {}
    for name, signal in described["signals"].items():
        signals[name] = [
            (component(item, exporter=True), item["processor"] and component(item["processor"]))
            for item in signal["export"]
        ]
    return {
        "attributes": {name: value["value"] for name, value in described["resource"]["attributes"].items()},
        "detectors": sorted(d["name"] for d in described["resource"]["detectors"]),
        "timeout": described["resource"]["timeout_millis"]["value"],
        "signals": signals,
        "propagators": [p["name"] for p in described["propagators"]],
        "instrumentations": {n: i["enabled"] for n, i in described["instrumentations"].items()},
        "level": plan.settings.log_level,
        "limits": {n: plan.settings.get(n).lower() for n in ENV if "LIMIT" in n or "EXEMPLAR" in n or "CAPTURE" in n},
        "stability": plan.settings.get("OTEL_SEMCONV_STABILITY_OPT_IN"),
    }


def test_show_writes_a_file_that_makes_the_same_plan(tmp_path):
    shown = distrokit("config", "show", env=ENV)
    path = tmp_path / "otel.yaml"
    path.write_text(shown.stdout)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "very-secret" not in shown.stdout
    assert yaml.safe_load(shown.stdout)["tracer_provider"]["sampler"] == {
        "parent_based": {"root": {"trace_id_ratio_based": {"ratio": 0.25}}}
    }
    before, after = (
        planned(ENV),
        planned({"OTEL_CONFIG_FILE": str(path), **{n: ENV[n] for n in ("OTEL_EXPORTER_OTLP_HEADERS",)}}),
    )
    assert [str(problem) for problem in after.problems] == []
    assert essence(after) == essence(before)
    assert after.signals["traces"].exporters[0].exporter.arguments["headers"] == {"api-key": "very-secret"}


def test_what_is_shown_of_a_file_is_that_file(tmp_path):
    first = in_process("config", "show", env=ENV).stdout
    (tmp_path / "otel.yaml").write_text(first)
    env = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "OTEL_EXPORTER_OTLP_HEADERS": "api-key=very-secret"}

    second = in_process("config", "show", env=env)

    assert "very-secret" not in second.stdout
    assert (second.stdout, second.stderr) == (first, "")


@pytest.mark.parametrize(
    "env", [{}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}]
)
def test_what_is_shown_has_no_faults(tmp_path, env):
    path = tmp_path / "otel.yaml"
    path.write_text(in_process("config", "show", env=env).stdout)

    result = in_process("config", "validate", str(path))

    assert (result.returncode, result.stdout) == (0, f"{path}: no problems\n")


def test_show_as_json_is_the_same():
    assert json.loads(in_process("config", "show", "--json").stdout) == yaml.safe_load(
        in_process("config", "show").stdout
    )


def test_diff_shows_what_differs_from_the_bare_defaults_and_from_a_file(tmp_path):
    same = in_process("config", "show", "--diff")
    other = in_process("config", "show", "--diff", env={"OTEL_BSP_SCHEDULE_DELAY": "1"})
    (tmp_path / "otel.yaml").write_text(in_process("config", "show").stdout)
    against = in_process("config", "show", "--diff", str(tmp_path / "otel.yaml"), env={"OTEL_BSP_SCHEDULE_DELAY": "1"})
    nowhere = in_process("config", "show", "--diff", "nowhere.yaml")

    assert (same.returncode, same.stdout) == (0, "")
    assert other.returncode == 1
    lines = [line for line in other.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert lines == ["-        schedule_delay: 5000", "+        schedule_delay: 1"]
    assert [line for line in against.stdout.splitlines() if line in lines] == lines
    assert nowhere.returncode == 2
    assert "nowhere.yaml: there is no such file" in nowhere.stderr


def test_validate_says_line_column_and_the_nearest_key(tmp_path):
    path = tmp_path / "otel.yaml"
    path.write_text(
        'file_format: "1.0"\ntracer_provider:\n  processors:\n    - batch:\n        exporter: {otlp_http: {endpont: x}}\n'
    )

    text = in_process("config", "validate", str(path))
    data = in_process("config", "validate", str(path), "--json")
    by_variable = in_process("config", "validate", env={"OTEL_CONFIG_FILE": str(path)})

    line = f"{path}:5:32 endpont: unknown key; it has no effect. Did you mean 'endpoint'?\n"
    assert (text.returncode, text.stdout) == (1, line)
    assert by_variable.stdout == line
    assert json.loads(data.stdout)[0]["code"] == "file-invalid"


def test_validate_without_a_file_is_a_wrong_command_line():
    assert in_process("config", "validate").returncode == 2
    assert in_process("config").returncode == 2


def test_validate_a_file_that_is_not_there():
    result = in_process("config", "validate", "nowhere.yaml")

    assert result.returncode == 1
    assert result.stdout.startswith("nowhere.yaml: there is no such file in ")


def test_show_says_what_could_not_be_taken_over():
    env = {"OTEL_EXPORTER_OTLP_ENDPIONT": "http://x", "OTEL_BSP_SCHEDULE_DELAY": "soon"}

    result = in_process("config", "show", env=env)

    assert result.returncode == 0
    assert yaml.safe_load(result.stdout)
    assert "Did you mean 'OTEL_EXPORTER_OTLP_ENDPOINT'?" in result.stderr
    assert "OTEL_BSP_SCHEDULE_DELAY=soon: not usable" in result.stderr


def test_the_scopes_of_a_file_are_shown_as_it_has_them(tmp_path):
    rules = [
        {"name": "noisy", "config": {"enabled": True, "minimum_severity": "error2", "trace_based": True}},
        {"name": "mute", "config": {"enabled": False}},
    ]
    model = {
        "file_format": "1.1",
        "logger_provider": {
            "processors": [{"simple": {"exporter": {"console": {}}}}],
            "logger_configurator/development": {"loggers": rules},
        },
    }
    (tmp_path / "otel.yaml").write_text(json.dumps(model))

    result = in_process("config", "show", env={"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")})

    assert result.stderr == ""
    shown = yaml.safe_load(result.stdout)["logger_provider"]["logger_configurator/development"]["loggers"]
    assert shown[: len(rules)] == rules
