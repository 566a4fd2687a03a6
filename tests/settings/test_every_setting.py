"""Every row of the table of settings: what it does, by variable and, where a file can say it, by file.

What a component is made with is read from ``distrokit explain --json``, in the environment of the row; what the
SDK reads by itself is seen at work in a process. Rows that other code reads are named as such.
"""

from __future__ import annotations

import json
from inspect import signature
from typing import Any

import pytest
from commands import in_process
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk._logs import LoggerProvider
from plans import planned, problems
from processes import QUIET, configured, instrumented, said
from setting_rows import (
    EFFECTS,
    ELSEWHERE,
    INTERNAL,
    LOGS,
    OTHERS,
    OTLP,
    ROWS,
    TRACES,
    ZIPKIN,
    at,
    put,
    table,
)


@pytest.mark.once
def test_every_row_of_the_table_has_a_test():
    tested = {row.name for row in ROWS} | set(ELSEWHERE) | {name for name, _, _ in EFFECTS}

    assert {s.name for s in table() if s.consumer not in OTHERS} - ZIPKIN - INTERNAL == tested


@pytest.mark.once
def test_every_row_of_the_table_is_whole():
    names = [setting.name for setting in table()]

    assert len(names) == len(set(names))
    for setting in table():
        assert all((setting.meaning, setting.kind, setting.consumer))
        assert not setting.spec or setting.spec.startswith("https://opentelemetry.io/docs/")


def explained(env):
    result = in_process("explain", "--json", env=env)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def by_variable():
    return explained({row.name: row.text for row in ROWS if not row.second})


@pytest.fixture(scope="module")
def by_variable_too():
    """What would hide other rows."""
    return explained({row.name: row.text for row in ROWS if row.second})


@pytest.fixture(scope="module")
def by_file(tmp_path_factory):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    model: Any = {"file_format": "1.1"}
    for row in ROWS:
        if row.file and not row.second:
            put(model, row.file.split("."), row.written)
    path = tmp_path_factory.mktemp("file") / "otel.yaml"
    path.write_text(json.dumps(model))
    return explained({"OTEL_CONFIG_FILE": str(path)})


@pytest.mark.once
def test_nothing_is_wrong_with_the_values_of_the_table(by_variable, by_variable_too):
    assert by_variable["problems"] == by_variable_too["problems"] == []


@pytest.mark.once
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_variable_arrives_with_its_source(row, by_variable, by_variable_too):
    shown = at(by_variable_too if row.second else by_variable, row.where)

    if isinstance(shown, dict) and "source" in shown:
        assert (shown["value"], shown["source"]) == (row.shown, row.name)
    else:
        assert shown == row.shown


#: The SDK's own defaults, which the plan leaves to it; and what names an exporter beside the default one.
NOT_IN_THE_PLAN = {
    "DISTROKIT_OTLP_HTTP_TRANSPORT",
    "OTEL_METRICS_EXPORTER",
    "OTEL_PROPAGATORS",
    "OTEL_PYTHON_ID_GENERATOR",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
}


@pytest.mark.once
def test_the_defaults_of_the_table_are_those_of_the_plan():
    shown = planned({"OTEL_METRICS_EXPORTER": "otlp,prometheus"}).describe()
    defaults = {setting.name: setting.default for setting in table() if setting.default}
    rows = [row for row in ROWS if row.name in defaults and row.name not in NOT_IN_THE_PLAN and not row.second]

    for row in rows:
        # The general settings of OTLP are shown of traces, which have the default protocol.
        node = at(shown, row.where.replace(LOGS, TRACES) if row.name.startswith(OTLP) else row.where)
        assert str(node["value"] if isinstance(node, dict) else node).lower() == defaults[row.name], row.name


@pytest.mark.once
@pytest.mark.parametrize("row", [row for row in ROWS if row.file and not row.second], ids=lambda row: row.name)
def test_the_file_says_the_same(row, by_file):
    assert by_file["problems"] == []
    shown = at(by_file, row.where)

    if isinstance(shown, dict) and "source" in shown:
        assert shown["value"] == row.shown
        assert "otel.yaml:" in shown["source"]
    else:
        assert shown == row.shown


# ------------------------------------------------------------- what the SDK reads by itself

LIMITED = """
    import json
    from opentelemetry import trace
    from opentelemetry.trace import Link, SpanContext
    from opentelemetry._logs import LogRecord, get_logger, get_logger_provider
    from opentelemetry.sdk._logs import LogRecordProcessor

    seen = []
    class Look(LogRecordProcessor):
        def on_emit(self, log_record): seen.append(log_record)
        def shutdown(self): pass
        def force_flush(self, timeout_millis=0): return True
    get_logger_provider().add_log_record_processor(Look())
    links = [Link(SpanContext(1, n + 1, False), {str(i): "0123456789" for i in range(5)}) for n in range(5)]
    span = trace.get_tracer("t").start_span("s", links=links, attributes={str(n): "0123456789" for n in range(5)})
    for n in range(5):
        span.add_event("e", {str(i): "0123456789" for i in range(5)})
    get_logger("l").emit(LogRecord(attributes={str(n): "0123456789" for n in range(5)}))
    recorded = seen[0].log_record.attributes
    event, link = span.events[-1].attributes, span.links[-1].attributes
    print(json.dumps({
        "SPAN_ATTRIBUTE_COUNT": len(span.attributes), "SPAN_ATTRIBUTE_VALUE_LENGTH": len([*span.attributes.values()][0]),
        "SPAN_EVENT_COUNT": len(span.events), "SPAN_LINK_COUNT": len(span.links),
        "EVENT_ATTRIBUTE_COUNT": len(event), "LINK_ATTRIBUTE_COUNT": len(link),
        "ATTRIBUTE_VALUE_LENGTH": len([*recorded.values()][0]), "ATTRIBUTE_COUNT": len(recorded),
        "LOGRECORD_ATTRIBUTE_COUNT": len(recorded), "LOGRECORD_ATTRIBUTE_VALUE_LENGTH": len([*recorded.values()][0]),
    }))
"""

LIMITS = [row for row in EFFECTS if row[1]]
LOGS_TO_CONSOLE = {**QUIET, "OTEL_LOGS_EXPORTER": "console", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging"}


def report(result):
    assert said(result) == [], result.stderr
    return json.loads(next(line for line in result.stdout.splitlines() if line.startswith('{"SPAN')))


def test_limits_by_variable():
    # Each has another number than its neighbours, so none can be taken for another.
    env = {name: str(2 + number % 3) for number, (name, _, _) in enumerate(LIMITS)}

    seen = report(instrumented(LIMITED, {**LOGS_TO_CONSOLE, **env}))

    for number, (name, reported, _) in enumerate(LIMITS):
        if "LOGRECORD" in name and "log_record_limits" not in signature(LoggerProvider).parameters:
            continue  # up to 1.44 the SDK has only the general ones for log records
        if not name.startswith("OTEL_ATTRIBUTE"):
            assert seen[reported] == 2 + number % 3, name


@pytest.mark.parametrize("name", ["OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"])
def test_a_general_limit_by_variable(name):
    """For what has none of its own."""
    assert report(instrumented(LIMITED, {**LOGS_TO_CONSOLE, name: "3"}))[name[5:-6]] == 3


def test_limits_by_file(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    model: Any = {"file_format": "1.1"}
    put(model, ["tracer_provider", "processors", "0", "simple", "exporter", "console"], {})
    put(model, ["logger_provider", "processors", "0", "simple", "exporter", "console"], {})
    # Each has another number than its neighbours, so none can be taken for another.
    for number, (_, _, file) in enumerate(LIMITS):
        put(model, file.split("."), 2 + number % 3)
    env = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging", "OTEL_SPAN_LINK_COUNT_LIMIT": "5"}

    seen = report(configured(LIMITED, json.dumps(model), tmp_path, env))

    for number, (name, reported, _) in enumerate(LIMITS):
        # The general ones are for what has none of its own, and here everything has.
        if not name.startswith("OTEL_ATTRIBUTE"):
            assert seen[reported] == 2 + number % 3, name


EXEMPLARS = """
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    metrics.get_meter("m").create_counter("c").add(1)
    metrics.get_meter_provider().force_flush()
"""


@pytest.mark.parametrize(("text", "exemplars"), [("ALWAYS_ON", 1), ("trace_based", 0), ("", 0)])
def test_the_exemplar_filter_by_variable(text, exemplars):
    env = {**QUIET, "OTEL_METRICS_EXPORTER": "console", "OTEL_METRICS_EXEMPLAR_FILTER": text}

    result = instrumented(EXEMPLARS, env)

    assert said(result) == []
    assert '"c"' in result.stdout
    assert result.stdout.count("filtered_attributes") == exemplars


@pytest.mark.parametrize(("text", "exemplars"), [("always_on", 1), ("Trace_Based", 0)])
def test_the_exemplar_filter_by_file(tmp_path, text, exemplars):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    file = f"""
        file_format: "1.0"
        meter_provider:
          exemplar_filter: {text}
          readers: [{{periodic: {{exporter: {{console: }}}}}}]
    """
    result = configured(EXEMPLARS, file, tmp_path)

    assert said(result) == []
    assert '"c"' in result.stdout
    assert result.stdout.count("filtered_attributes") == exemplars


WARNS = """
    import logging
    logging.getLogger("opentelemetry.sdk").warning("a warning of the SDK")
    logging.getLogger("opentelemetry.sdk").error("an error of the SDK")
"""


@pytest.mark.once
@pytest.mark.parametrize(("level", "lines"), [("", 2), ("error", 1), ("ERROR", 1), ("off", 0), ("debug", 2)])
def test_log_level(level, lines):
    result = instrumented(WARNS, {**QUIET, "OTEL_LOG_LEVEL": level})

    assert result.stderr.count("of the SDK") == lines


@pytest.mark.once
@pytest.mark.parametrize(("level", "lines"), [("error", 1), ("fatal2", 0), ("Info", 2)])
def test_log_level_by_file(tmp_path, level, lines):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    result = configured(
        WARNS,
        f'file_format: "1.0"\nlog_level: {level}\ntracer_provider: {{processors: [{{simple: {{exporter: {{console: }}}}}}]}}',
        tmp_path,
    )

    assert result.stderr.count("of the SDK") == lines


# ----------------------------------------------------------------------------- bad input


BAD = [(row.name, row.where) for row in ROWS if isinstance(row.shown, (int, float)) and not isinstance(row.shown, bool)]


@pytest.mark.once
@pytest.mark.parametrize("text", ["soon", "-1", "1e999", "99999999999999999999999"])
def test_numbers_that_are_none_cost_only_themselves(text):
    result = in_process("explain", "--json", env={name: text for name, _ in BAD} | {
        "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_METRICS_EXPORTER": "otlp,prometheus"})  # fmt: skip
    data = json.loads(result.stdout)

    assert {p["subject"].partition("=")[0] for p in data["problems"]} == {name for name, _ in BAD}
    for name, where in BAD:
        assert name not in at(data, where)["source"]
    assert [len(data["signals"][s]["export"]) for s in ("traces", "metrics", "logs")] == [1, 2, 1]


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "Did you mean 'OTEL_EXPORTER_OTLP_ENDPOINT'?"),
        ("OTEL_METRICS_EXPORT_INTERVAL", "Did you mean 'OTEL_METRIC_EXPORT_INTERVAL'?"),
        ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "Did you mean 'OTEL_EXPORTER_OTLP_INSECURE'?"),
        ("DISTROKIT_STRCT", "Did you mean 'DISTROKIT_STRICT'?"),
        ("DISTROKIT_PLUGIN_DISABLED", "Did you mean 'DISTROKIT_DISABLED_PLUGINS'?"),
        ("OTEL_PYTHON_DISTROKIT_TIMEOUT_EXIT", "Did you mean 'DISTROKIT_EXIT_TIMEOUT'?"),
        ("OTEL_EXPORTER_TRACES", "Did you mean 'OTEL_TRACES_EXPORTER'?"),
        ("OTEL_EXPORTER_OTLP_HEADERS_LOGS", "Did you mean 'OTEL_EXPORTER_OTLP_LOGS_HEADERS'?"),
        ("OTEL_BSP_QUEUE_MAX_SIZE__BACKUP", "Did you mean 'OTEL_BSP_MAX_QUEUE_SIZE'?"),
        ("OTEL_NAME_OF_SERVICE", ""),
        ("DISTROKIT_QUITE_ELSEWHERE_INDEED_42", "lists all settings"),
        ("OTEL_PYTHON_DISTROKIT_STRCT", "Did you mean 'DISTROKIT_STRICT'?"),
        ("OTEL_PYTHON_FLASK_EXCLUDED_URLS", ""),
        ("OTEL_PYTHON_WSGI_EXCLUDED_URLS", ""),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", ""),
        ("OTEL_NODE_IP", ""),
        ("OTEL_ACME_TOKEN", ""),
        ("OTEL_BSP_SCHEDULE_DELAY__BACKUP", ""),
        ("DISTROKIT_TRACES_PROCESSOR__BACKUP", ""),
        ("DISTROKIT_INSTRUMENTATION_FLASK_ANYTHING", ""),
    ],
)
def test_a_misspelt_name_is_said_and_a_name_of_others_is_not(name, hint):
    lines = problems(planned({name: "1"}))

    if not hint:
        assert lines == []
        return
    (line,) = lines
    assert line.startswith(f"{name}: there is no setting of this name; it has no effect. ")
    assert hint in line


VALUES = st.text(max_size=25) | st.sampled_from(
    [
        "",
        " ",
        "0",
        "-1",
        "1e9",
        "true",
        "none",
        "otlp,console",
        "grpc",
        "http/json",
        "https://u:p@h:1/x",
        "unix:x",
        "a=b,c",
        "/nowhere",
    ]
)


@pytest.mark.once
@given(
    st.dictionaries(
        st.sampled_from(sorted({s.name for s in table()} - {"OTEL_CONFIG_FILE", "DISTROKIT_PLUGIN_FILES"})),
        VALUES,
        max_size=12,
    )
)
def test_no_settings_break_the_plan(environ):
    plan = planned({name: text for name, text in environ.items() if "\0" not in text})

    json.dumps(plan.describe())
    assert all("\n" not in str(problem) for problem in plan.problems)
    assert not [p for p in plan.problems if p.code in ("start-failed", "plugin-failed", "parameters-failed")]
