"""What is logged reaches stderr, whatever becomes of the root logger, and never the pipeline (users' report, E4)."""

from __future__ import annotations

import json
import sys

import pytest
from processes import BIN, QUIET, clean_environ, instrumented, run, said

SETUPS = {
    "nothing": "",
    "basicConfig": "logging.basicConfig()",
    "basicConfig force": "logging.basicConfig(force=True)",
    "dictConfig": "logging.config.dictConfig({'version': 1})",
    "dictConfig root": "logging.config.dictConfig({'version': 1, 'handlers': {'f': {'class': 'logging.FileHandler', "
    "'filename': 'app.log'}}, 'root': {'handlers': ['f'], 'level': 'DEBUG'}})",
    "fileConfig": "logging.config.fileConfig('logging.ini')",
}
INI = """\
[loggers]
keys=root
[handlers]
keys=f
[formatters]
keys=
[logger_root]
level=INFO
handlers=f
[handler_f]
class=FileHandler
args=('app.log',)
"""
# One export per call of force_flush; nothing listens on port 9.
PROGRAM = """
import logging, logging.config
from opentelemetry import trace
logging.getLogger("app").warning("app before")
{setup}
logging.getLogger("opentelemetry.sdk.trace").warning("sdk after")
logging.getLogger("fresh").warning("app after")
for _ in range(3):
    trace.get_tracer("t").start_span("s").end()
    trace.get_tracer_provider().force_flush()
"""
DEAD = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "200",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "console",
    "DISTROKIT_LOGS_PROCESSOR": "simple",
}
DOCTOR = " Run `distrokit doctor` to see why."


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_whatever_takes_over_the_root_logger(tmp_path, setup, protocol):
    (tmp_path / "logging.ini").write_text(INI)

    result = instrumented(
        PROGRAM.format(setup=SETUPS[setup]), {**DEAD, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}, cwd=tmp_path
    )

    first, *rest = said(result)
    assert first == f"distrokit: otlp traces: 1 batch, 1 span lost: connection refused at 127.0.0.1:9.{DOCTOR}"
    assert len(rest) == 1
    assert "2 batches, 2 spans lost in the last" in rest[0]
    assert result.stderr.count("sdk after") == 1
    assert result.stderr.count("app before") == 1
    # What the application set up for itself is how its own warnings are shown.
    own_file = setup in ("dictConfig root", "fileConfig")
    text = (tmp_path / "app.log").read_text() if own_file else result.stderr
    assert text.count("app after") == 1
    assert ("sdk after" in text) is True
    # The console has what entered the pipeline.
    assert "sdk after" not in result.stdout
    assert "lost" not in result.stdout
    assert ("app before" in result.stdout) is True


def test_the_applications_own_last_resort_is_as_python_has_it():
    program = """
        import logging
        logging.getLogger("a").info("quiet")
        logging.getLogger("a").error("loud")
        own = logging.getLogger("own")
        own.addHandler(logging.NullHandler())
        own.error("handled")
    """
    result = instrumented(program, QUIET)

    assert result.stderr == "loud\n"


def test_at_debug_every_message_is_printed_as_it_comes():
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"

    result = instrumented(program, {**DEAD, "OTEL_LOG_LEVEL": "debug"})

    assert "Failed to export traces to 127.0.0.1:9" in result.stderr
    assert any("1 span lost" in line for line in said(result))


def test_what_an_exporter_raises_is_a_loss_and_no_traceback(tmp_path):
    from distributions import write_plugin

    source = """
        from distrokit import Exporter, hookimpl

        def make(options):
            from opentelemetry.sdk.trace.export import SpanExporter
            class Raises(SpanExporter):
                def export(self, spans):
                    raise OSError("disk full")
                def shutdown(self):
                    pass
            return Raises()

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "traces", make)]
    """
    program = """
        from opentelemetry import trace
        for _ in range(50):
            trace.get_tracer("t").start_span("s").end()
    """
    env = {**QUIET, "OTEL_TRACES_EXPORTER": "acme", "DISTROKIT_TRACES_PROCESSOR": "simple"}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    first, second = result.stderr.splitlines()
    assert first == f"distrokit: acme traces: 1 batch, 1 span lost: OSError: disk full.{DOCTOR}"
    assert second == "distrokit: acme traces: 49 batches, 49 spans lost in the last 1 s: OSError: disk full."


def test_losses_are_summed_up_and_the_end_of_an_outage_is_said():
    from distrokit.pipeline.losses import losses_of

    lines, now, causes = [], [0.0], {}
    losses = losses_of("otlp", "traces", "http://user:pw@h:4317/x", lines.append, causes)
    losses._clock = lambda: now[0]

    losses.delivered()
    for _ in range(15):
        losses.lost(512, "[Errno 111] Connection refused")
        now[0] += 4.4
    now[0] = 200.0
    losses.lost(1, "")
    losses.delivered()
    losses.lost(1, "a" * 500)
    losses.finish()
    losses.finish()

    assert lines[:4] == [
        f"otlp traces: 1 batch, 512 spans lost: connection refused at h:4317.{DOCTOR}",
        "otlp traces: 14 batches, 7,168 spans lost in the last minute: connection refused at h:4317.",
        "otlp traces: 1 batch, 1 span lost in the last 2 minutes: connection refused at h:4317.",
        "otlp traces: the receiver takes data again",
    ]
    assert len(lines) == 5


def test_points_of_metrics_and_log_records_are_counted(receiver):
    program = """
        from opentelemetry import metrics
        import logging
        counter = metrics.get_meter("m").create_counter("c")
        for n in range(3):
            counter.add(1, {"n": n})
        for n in range(2):
            logging.getLogger("x").error("e")
    """
    env = {**DEAD, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"}
    env["DISTROKIT_LOGS_PROCESSOR"] = "batch"

    lines = said(instrumented(program, env))

    assert sorted(line.split(":")[1].strip() + line.split(":")[2] for line in lines) == [
        "otlp logs 1 batch, 2 log records lost",
        "otlp metrics 1 batch, 3 data points lost",
    ]


def test_a_problem_is_said_once_in_a_tree_of_processes():
    program = """
        import subprocess, sys
        for _ in range(2):
            subprocess.run([sys.executable, "-c", "1"], check=True)
        subprocess.run([sys.executable, "-c", "1"], check=True, env={**__import__("os").environ, "DISTROKIT_DETECTOR_TIMEOUT": "x"})
    """
    result = instrumented(program, {**QUIET, "OTEL_LOG_LEVEL": "info", "DISTROKIT_DISABLED_PLUGINS": "many"})

    lines = said(result)
    assert [line for line in lines if "DISTROKIT_DISABLED_PLUGINS=many" in line] == lines[:1]
    # The child has a fault of its own, and is running with another number of problems.
    assert sum("DISTROKIT_DETECTOR_TIMEOUT=x" in line for line in lines) == 1
    assert sum("traces, metrics, logs → nowhere" in line for line in lines) == 2
    assert len(lines) == 4


@pytest.mark.parametrize(("level", "said_lines"), [("info", 1), ("", 0), ("warn", 0)])
def test_the_start_up_line(level, said_lines):
    env = {
        "OTEL_LOG_LEVEL": level,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hush-hush@127.0.0.1:9",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
    }
    result = instrumented("print('out')", env)

    assert result.stdout == "out\n"
    assert (
        said(result)
        == [
            (
                "distrokit: shop: traces → otlp grpc http://****@127.0.0.1:9; metrics, logs → nowhere;"
                " no instrumentations; no problems"
            )
        ]
        * said_lines
    )


def test_the_start_up_line_at_a_terminal(tmp_path):
    program = f"""
import json, os, pty, sys
out = []
def read(fd):
    data = os.read(fd, 65536)
    out.append(data)
    return data
code = pty.spawn({[str(BIN / "opentelemetry-instrument"), sys.executable, "-c", "print('done')"]!r}, read)
open({str(tmp_path / "out.json")!r}, "w").write(json.dumps(b"".join(out).decode()))
"""
    run([sys.executable, "-c", program], QUIET)

    lines = json.loads((tmp_path / "out.json").read_text()).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("distrokit: unknown_service:python")
    assert "traces, metrics, logs → nowhere" in lines[0]
    assert lines[1] == "done"


def test_the_command_says_what_a_process_above_it_has_said():
    program = """
        import os, subprocess
        subprocess.run([os.environ["COMMAND_PATH"], "nonsense"])
    """
    env = {**clean_environ(), **QUIET, "DISTROKIT_DISABLED_PLUGINS": "many", "COMMAND_PATH": str(BIN / "distrokit")}

    assert sum("DISTROKIT_DISABLED_PLUGINS=many" in line for line in said(instrumented(program, env))) == 2
