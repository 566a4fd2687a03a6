"""Who turns log records into telemetry: one answer, no duplicates, no loop."""

from __future__ import annotations

import pytest
from processes import NOWHERE, QUIET, instrumented, said

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

    from distrokit.entry_points import EntryPoints
    from distrokit.startup import Assembly

    plan = Assembly({SWITCH: "true"}, DEFAULTS, EntryPoints()).plan

    assert [line for line in problems(plan) if "pip install opentelemetry-instrumentation-logging" in line]
    assert problems(planned({SWITCH: "true"})) == []
