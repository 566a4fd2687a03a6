"""``distrokit config show`` of any setting is a file without faults, and makes the plan that it was made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import in_process
from distributions import write_plugin
from plans import planned
from setting_rows import EFFECTS, OTLP, ROWS, at, table

pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")

#: What stays a variable, and so is set beside the file.
STAYS = ("HEADERS", "API_KEY", "PLUGIN_FILES", "TOKEN")
SECRET = "hush-hush"

#: Settings whose rows are elsewhere, and what rows of one variable each do not show.
MORE = [
    {"OTEL_LOG_LEVEL": "error"},
    {"OTEL_SDK_DISABLED": "true"},
    {"DISTROKIT_STRICT": "true"},
    {"DISTROKIT_LAZY": "false"},
    {"DISTROKIT_DOCTOR": "false"},
    *({"OTEL_LOG_LEVEL": level} for level in ("none", "off", "fatal", "trace")),
    {"DISTROKIT_TRACE_HOOKS": "false"},
    {"DISTROKIT_INSTRUMENTATION_ORDER": "requests,flask"},
    {"DISTROKIT_INSTRUMENTATION_FLASK": "off"},
    {"DISTROKIT_INSTRUMENTATION_FLASK_EXCLUDED_URLS": "healthz,a$b"},
    {"DISTROKIT_INSTRUMENTATION_FLASK_X": '{"api_key": "hush-hush", "b": [1, "8"]}'},
    {"DISTROKIT_INSTRUMENTATION_FLASK_API_KEY": SECRET},
    {"DISTROKIT_INSTRUMENTATION_FLASK_INIT_X": "[1]"},
    {"DISTROKIT_SPOOL_DIRECTORY": "/nowhere/spool", "DISTROKIT_SPOOL_MAX_AGE": "9000"},
    {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "false"},
    {"OTEL_PYTHON_DISTRO": "distrokit", "OTEL_PYTHON_CONFIGURATOR": "distrokit"},
    {"OTEL_PROPAGATORS": "none"},
    {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
    {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup,database"},
    {"OTEL_PYTHON_EXCLUDED_URLS": "healthz"},
    {"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-a,x-b.*"},
    {f"{OTLP}ENDPOINT": "http://me:hush-hush@host:4317"},
    {f"{OTLP}ENDPOINT": "host:4317", f"{OTLP}INSECURE": "true"},
    {f"{OTLP}HEADERS": f"api-key={SECRET}"},
    *({f"{OTLP}PROTOCOL": p, f"{OTLP}HEADERS": f"a={SECRET},b=c"} for p in ("grpc", "http/protobuf", "http/json")),
    {"OTEL_TRACES_EXPORTER": "otlp,otlp/backup", f"{OTLP}HEADERS__BACKUP": f"a={SECRET}", f"{OTLP}ENDPOINT__BACKUP": "http://b:1"},
    {f"OTEL_{signal}_EXPORTER": "console" for signal in ("TRACES", "METRICS", "LOGS")},
    *({"OTEL_TRACES_SAMPLER": f"{parent}{name}", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
      for parent in ("", "parentbased_") for name in ("always_on", "always_off", "traceidratio")),
]  # fmt: skip
CASES = [
    # All rows at once, but for those that would hide others.
    {row.name: row.text for row in ROWS if not row.second},
    {row.name: row.text for row in ROWS if row.second},
    {name: "always_off" if "EXEMPLAR" in name else str(number) for number, (name, _, _) in enumerate(EFFECTS, 2)},
    *MORE,
    {
        "DISTROKIT_REQUIRED": "guard-redact",
        "DISTROKIT_GUARD_REDACT": "cards,emails",
        "DISTROKIT_GUARD_REDACT_KEYS": "*password*,enduser.id",
        "DISTROKIT_GUARD_CARDINALITY_LIMITS": "jobs=50,http.*=500",
        "DISTROKIT_GUARD_QUIET_ROUTES": "/healthz,/internal/*",
    },
]


def round_trip(env, path: Path):
    """The file of this environment, checked as its next reader would: with it, and without the variables."""
    shown = in_process("config", "show", env=env)
    path.write_text(shown.stdout)
    validated = in_process("config", "validate", str(path), env=env)
    same = in_process("config", "show", "--diff", str(path), env=env)
    stays = {name: text for name, text in env.items() if any(word in name for word in STAYS)}
    alone = in_process("config", "show", env={**stays, "OTEL_CONFIG_FILE": str(path)})

    assert SECRET not in shown.stdout + shown.stderr + same.stdout + alone.stdout
    assert (validated.returncode, validated.stdout) == (0, f"{path}: no problems\n")
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")
    assert alone.stdout == shown.stdout
    return shown


@pytest.mark.parametrize("env", CASES, ids=lambda env: ",".join(f"{n}={t}" for n, t in env.items())[:60])
def test_what_is_shown_is_a_fixed_point(tmp_path, env):
    round_trip(env, tmp_path / "otel.yaml")


def test_every_setting_that_a_file_takes_the_place_of_or_that_is_our_own_makes_a_round_trip():
    there = {name for env in CASES for name in env}
    missing = {
        setting.name
        for setting in table()
        if (setting.ignored_with_file or setting.name.startswith("DISTROKIT_"))
        and setting.name not in there
        and "<" not in setting.name
        and "ZIPKIN" not in setting.name
        and not setting.name.endswith(("HEADERS_FILE", "INSECURE", "CONFIGURATOR"))
    }

    # The second one counts before any file is read.
    assert missing == {"DISTROKIT_PLUGIN_FILES", "DISTROKIT_ATTACH"}


@pytest.mark.parametrize(
    "row",
    # The transport of HTTP is no parameter of the default protocol.
    [r for r in ROWS if r.name.startswith("DISTROKIT_") and "parameters" in r.where and "HTTP_TRANSPORT" not in r.name],
    ids=lambda r: r.name,
)
def test_the_file_alone_has_the_settings_of_plugins(tmp_path, row):
    path = tmp_path / "otel.yaml"
    round_trip({row.name: row.text}, path)

    node = at(planned({"OTEL_CONFIG_FILE": str(path)}).describe(), row.where)

    assert node["value"] == row.shown
    assert str(path) in node["source"]


def test_headers_that_a_file_holds_have_their_names_and_a_note(tmp_path):
    (tmp_path / "headers").write_text(f"api-key={SECRET}\nx-b={SECRET}\n")

    shown = round_trip({f"{OTLP}HEADERS_FILE": str(tmp_path / "headers")}, tmp_path / "otel.yaml")

    assert shown.stdout.count("headers_list: api-key=****,x-b=****") == 3
    assert shown.stderr == "distrokit: **** replaces secrets that are not in a variable; write a ${REFERENCE} instead\n"


@pytest.mark.parametrize(
    ("properties", "written"),
    [
        ({"headers_list": "api-key=${MY_KEY}"}, {"headers_list": "api-key=${MY_KEY}"}),
        ({"headers_list": "a=${MY_KEY:-hush-hush}"}, {"headers_list": "a=****"}),
        ({"headers_list": "a=hush-hush,b=${MY_KEY}"}, {"headers_list": "a=****,b=****"}),
        (
            {"headers": [{"name": "Authorization", "value": "Bearer ${MY_KEY}"}], "headers_list": "b=hush-hush"},
            {"headers": [{"name": "b", "value": "****"}, {"name": "authorization", "value": "Bearer ${MY_KEY}"}]},
        ),
    ],
)
def test_a_file_is_shown_with_its_own_references(tmp_path, properties, written):
    path = tmp_path / "given.yaml"
    processor = {"batch": {"exporter": {"otlp_http": {"endpoint": "http://h:1/v1/traces", **properties}}}}
    path.write_text(json.dumps({"file_format": "1.1", "tracer_provider": {"processors": [processor]}}))

    shown = in_process("config", "show", "--json", env={"OTEL_CONFIG_FILE": str(path), "MY_KEY": SECRET})

    assert SECRET not in shown.stdout
    exporter = json.loads(shown.stdout)["tracer_provider"]["processors"][0]["batch"]["exporter"]["otlp_http"]
    assert {name: exporter[name] for name in exporter if name.startswith("headers")} == written


def test_what_no_file_can_say_is_said(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text("from distrokit import hookimpl\n@hookimpl\ndef distrokit_settings(): return []\n")
    env = {
        "DISTROKIT_PLUGIN_FILES": str(plugin),
        "OTEL_TRACES_EXPORTER": "otlp,otlp/backup",
        "DISTROKIT_QUEUE_FULL__BACKUP": "drop-newest",
    }

    shown = round_trip(env, tmp_path / "otel.yaml")

    assert shown.stderr.splitlines() == [
        "distrokit: DISTROKIT_PLUGIN_FILES stays an environment variable: a file must not choose which code runs",
        "distrokit: DISTROKIT_QUEUE_FULL__BACKUP is not in the file: a file cannot set it for a single exporter",
    ]


def test_a_secret_setting_of_a_plugin_is_a_reference(tmp_path):
    source = """
        from distrokit import Setting, hookimpl

        @hookimpl
        def distrokit_settings():
            return [Setting(name="DISTROKIT_ACME_TOKEN", consumer="acme", meaning="m")]
    """
    path = [write_plugin(tmp_path, "acme", source)]

    shown = in_process("config", "show", "--json", env={"DISTROKIT_ACME_TOKEN": SECRET}, path=path)

    assert json.loads(shown.stdout)["distribution"] == {"distrokit": {"acme_token": "${DISTROKIT_ACME_TOKEN}"}}
