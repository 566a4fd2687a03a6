"""Who turns log records into telemetry: one answer, no duplicates, no loop."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from distributions import write_plugin
from opentelemetry._logs import LogRecord
from processes import NOWHERE, QUIET, instrumented, said

from distrokit.testing import in_memory

SWITCH = "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"
LOGS = {**QUIET, "OTEL_LOGS_EXPORTER": "console", "DISTROKIT_LOGS_PROCESSOR": "simple"}
PROGRAM = """
    import logging
    logging.getLogger("app").warning("hello")
    logging.getLogger("opentelemetry.sdk.trace").warning("from the SDK")
    logging.getLogger("opentelemetry.exporter.x").error("from an exporter")
    logging.getLogger("opentelemetry.instrumentation.x").error("from an instrumentation")
"""


@pytest.mark.parametrize(
    ("env", "records"), [({}, 1), ({SWITCH: "true"}, 1), ({SWITCH: "False"}, 0), ({SWITCH: "no"}, 1)]
)
def test_every_record_is_sent_once_or_not_at_all(env, records):
    result = instrumented(PROGRAM, {**LOGS, **env})

    assert result.stdout.count('"body": "hello"') == records
    assert "Skipping installation" not in result.stderr
    assert ("valid values are true, false" in "".join(said(result))) == (env.get(SWITCH) == "no")


def test_what_the_sdk_logs_reaches_stderr_and_never_the_pipeline():
    result = instrumented(PROGRAM, LOGS)

    assert '"body": "hello"' in result.stdout
    assert "from an instrumentation" not in result.stdout
    assert "from the SDK" not in result.stdout
    assert "from an exporter" not in result.stdout
    assert result.stderr.count("from the SDK") == result.stderr.count("from an exporter") == 1


def test_what_an_instrumentation_records_is_telemetry_whatever_its_scope_is_called():
    program = """
        import logging
        from opentelemetry._logs import LogRecord, get_logger
        for name in ("opentelemetry.util.genai.handler", "opentelemetry.instrumentation.openai", "opentelemetry.x"):
            get_logger(name).emit(LogRecord(body=f"recorded by {name}"))
            logging.getLogger(name).error("logged by %s", name)
    """
    result = instrumented(program, LOGS)

    assert result.stdout.count('"body": "recorded by opentelemetry.') == 3
    assert "logged by" not in result.stdout
    assert result.stderr.count("logged by opentelemetry.") == 3


def test_what_the_application_records_while_it_suppresses_instrumentations_is_its_own():
    program = """
        import logging
        from opentelemetry import metrics, trace
        from opentelemetry._logs import LogRecord, get_logger
        from opentelemetry.instrumentation.utils import suppress_instrumentation
        with suppress_instrumentation():
            logging.error("the nightly import failed")
            get_logger("api").emit(LogRecord(body="through the API"))
            trace.get_tracer("t").start_span("a span").end()
            metrics.get_meter("m").create_counter("a_counter").add(1)
    """
    env = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console"}

    out = instrumented(program, {**LOGS, **env}).stdout

    names = ("the nightly import failed", "through the API", "a span", "a_counter")
    assert [out.count(f'"{name}"') for name in names] == [1, 1, 1, 1]


@pytest.mark.parametrize("processor", ["batch", "simple"])
def test_what_an_export_records_is_not_exported(tmp_path, processor):
    source = """
        import logging, sys
        from distrokit import Exporter, hookimpl

        def make(options):
            from opentelemetry._logs import LogRecord, get_logger
            from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
            class Acme(LogRecordExporter):
                def export(self, batch):
                    print([item.log_record.body for item in batch])
                    logging.getLogger("acme").error("logged by an export")
                    get_logger("acme").emit(LogRecord(body="recorded by an export"))
                    return LogRecordExportResult.SUCCESS
                def shutdown(self):
                    logging.getLogger("acme").error("logged by a shutdown")
                def force_flush(self, timeout_millis=1):
                    return True
            return Acme()

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "logs", make)]
    """
    program = """
        import logging
        from opentelemetry._logs import get_logger_provider
        logging.error("of the application")
        get_logger_provider().force_flush(5000)
    """
    env = {**QUIET, "OTEL_LOGS_EXPORTER": "acme", "DISTROKIT_LOGS_PROCESSOR": processor}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert result.stdout == "['of the application']\n"
    # The module's function logging.error has set up the root.
    lines = ["ERROR:root:of the application", "ERROR:acme:logged by an export", "ERROR:acme:logged by a shutdown"]
    assert result.stderr.splitlines() == lines


def test_a_failing_export_does_not_feed_itself():
    program = """
        import logging
        logging.getLogger().setLevel("DEBUG")
        logging.getLogger("app").warning("hello")
        from opentelemetry._logs import get_logger_provider
        for _ in range(3):
            get_logger_provider().force_flush(100)
    """
    env = {
        **QUIET,
        "OTEL_LOGS_EXPORTER": "otlp,console",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        **NOWHERE,
    }
    result = instrumented(program, env)

    # The console shows all that enters the pipeline.
    assert result.stdout.count('"body": ') == 1


def test_the_level_of_the_handler():
    program = """
        import logging
        logging.getLogger("app").warning("hello")
        logging.getLogger("app").error("loud")
    """
    result = instrumented(program, {**LOGS, "OTEL_PYTHON_LOG_HANDLER_LEVEL": "error"})

    assert '"body": "loud"' in result.stdout
    assert '"body": "hello"' not in result.stdout


def test_a_switch_without_the_package_is_said():
    from plans import DEFAULTS, planned, problems

    from distrokit.launch.assembly import plan_for
    from distrokit.plugins.entry_points import EntryPoints

    plan = plan_for({SWITCH: "true"}, DEFAULTS, EntryPoints()).plan

    assert [line for line in problems(plan) if "pip install opentelemetry-instrumentation-logging" in line]
    assert problems(planned({SWITCH: "true"})) == []


class Mute:
    def __str__(self):
        raise ValueError("no words")

    __repr__ = __str__


def test_an_attribute_that_has_no_text_costs_itself(capsys):
    with in_memory() as telemetry:
        logger = telemetry.logger_provider.get_logger("t")
        for number in range(3):
            logger.emit(LogRecord(body="order failed", attributes={"user": Mute(), "number": number}))
        logs = telemetry.logs()

    assert [(log.body, log.attributes["number"]) for log in logs] == [("order failed", number) for number in range(3)]
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("distrokit: ")]
    if version("opentelemetry-sdk").startswith(("1.43.", "1.44.")):
        # These releases ask no object for its text; they log a warning of their own and leave out the value.
        assert ([log.attributes["user"] for log in logs], lines) == ([None] * 3, [])
    else:
        assert [log.attributes["user"] for log in logs] == ["<Mute>"] * 3
        (line,) = lines
        assert "logger.emit(): ValueError: no words" in line
        assert "the record is sent with the attribute as text; the application continues" in line
