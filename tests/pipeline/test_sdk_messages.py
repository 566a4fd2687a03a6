"""What is logged reaches stderr, whatever becomes of the root logger, and never the pipeline (users' report, E4)."""

from __future__ import annotations

import json
import re
import sys
from textwrap import dedent

import pytest
from distributions import write_plugin
from processes import BIN, NOWHERE, QUIET, clean_environ, instrumented, run, said

from distrokit.pipeline.losses import losses_of

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
# At least one export per call of force_flush; nothing listens on port 9.
PROGRAM = """
import logging, logging.config
from opentelemetry import trace
logging.getLogger("app").warning("app before")
{setup}
logging.getLogger("opentelemetry.sdk.trace").warning("sdk after")
logging.getLogger("fresh").warning("app after")
# The first export imports its transport.
for millis in (5_000, 100, 100):
    trace.get_tracer("t").start_span("s").end()
    trace.get_tracer_provider().force_flush(millis)
"""
DEAD = {
    **NOWHERE,
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "console",
    "DISTROKIT_LOGS_PROCESSOR": "simple",
}
DOCTOR = " Run `distrokit doctor` to see why."


#: Both transports where nothing is set up, and where the most is; else by turns.
TURNS = [(setup, ("grpc", "http/protobuf")[at % 2]) for at, setup in enumerate(SETUPS)]


@pytest.mark.parametrize(
    ("setup", "protocol"), [*TURNS, ("nothing", "http/protobuf"), ("dictConfig root", "http/protobuf")]
)
def test_whatever_takes_over_the_root_logger(tmp_path, setup, protocol):
    (tmp_path / "logging.ini").write_text(INI)

    result = instrumented(
        PROGRAM.format(setup=SETUPS[setup]), {**DEAD, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}, cwd=tmp_path
    )

    kept, lost = said(result)
    assert kept == (f"distrokit: otlp traces: connection refused at 127.0.0.1:9; 1 span queued for retry.{DOCTOR}")
    assert re.fullmatch(r"distrokit: otlp traces: .*3 spans lost.*: connection refused at 127\.0\.0\.1:9\.", lost)
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

    assert "traces not accepted: " in result.stderr
    assert any(re.search("1 span lost.*: connection refused at", line) for line in said(result))


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


def tally(endpoint="http://user:pw@h:4317/x", name="otlp", causes=None):
    """A tally, the lines it says, and its clock."""
    lines, now = [], [0.0]
    losses = losses_of(name, "traces", endpoint, lines.append, {} if causes is None else causes)
    losses._clock = lambda: now[0]
    return losses, lines, now


def test_losses_are_summed_up_and_the_end_of_an_outage_is_said():
    losses, lines, now = tally()

    losses.record_success()
    for _ in range(15):
        losses.record_failure(512, "[Errno 111] Connection refused")
        now[0] += 4.4
    losses.record_failure(1, "")
    losses.record_success()
    now[0] = 500.0
    losses.record_failure(1, "a" * 500)
    losses.finish()
    losses.finish()
    losses.record_failure(2, "late")

    assert lines[:4] == [
        f"otlp traces: 1 batch, 512 spans lost: connection refused at h:4317.{DOCTOR}",
        "otlp traces: 14 batches, 7,168 spans lost in the last minute: connection refused at h:4317.",
        "otlp traces: 1 batch, 1 span lost: connection refused at h:4317.",
        "otlp traces: export recovered",
    ]
    assert lines[4].startswith("otlp traces: 1 batch, 1 span lost: aaa")
    assert lines[5:] == ["otlp traces: 1 batch, 2 spans lost: late."]


def test_a_receiver_that_takes_some_and_refuses_some_is_told_of_once_a_minute():
    losses, lines, now = tally()

    for _ in range(6000):
        losses.record_failure(1, "429")
        losses.record_success()
        now[0] += 0.02
    losses.finish()

    assert len(lines) == 3
    assert lines[-1].startswith("otlp traces: ")
    assert sum(int(line.split(" batch")[0].rpartition(" ")[2].replace(",", "")) for line in lines) == 6000


def test_what_was_lost_in_a_short_outage_is_said_when_its_minute_is_over():
    losses, lines, now = tally()

    losses.record_failure(1, "Connection refused")
    now[0] = 5.0
    losses.record_failure(512, "Connection refused")
    now[0] = 10.0
    for _ in range(20):
        losses.record_success()
        now[0] += 5.0

    assert lines[1:] == ["otlp traces: 1 batch, 512 spans lost: connection refused at h:4317."]


def test_a_cause_is_the_places_own_and_ends_with_the_outage():
    causes = {}
    file, file_lines, _ = tally("", "file", causes)
    acme, acme_lines, now = tally("", "acme", causes)

    file.record_failure(1, "OSError: disk full")
    acme.record_failure(1, "")
    acme.record_failure(1, "no room")
    now[0] = 70.0
    acme.record_failure(1, "")
    acme.record_success()
    now[0] = 200.0
    acme.record_failure(1, "")

    assert "disk full" in file_lines[0]
    assert "the exporter does not say why" in acme_lines[0]
    assert "no room" in acme_lines[1]
    assert acme_lines[2] == "acme traces: export recovered"
    assert "the exporter does not say why" in acme_lines[3]


@pytest.mark.parametrize(
    ("endpoint", "message", "line"),
    [
        ("http://[::1:80/x", "Connection refused", "connection refused."),
        ("h:1", "ProxyError('Unable to connect to proxy', Connection refused)", "proxy error."),
        ("unix:///a/b", "StatusCode.DEADLINE_EXCEEDED", "no response in time."),
    ],
)
def test_what_a_line_blames(endpoint, message, line):
    losses, lines, _ = tally(endpoint)

    losses.record_failure(1, message)

    assert f"lost: {line}" in lines[0]


def test_a_child_of_a_fork_has_a_tally_and_a_lock_of_its_own():
    program = """
        import os, sys, threading
        from distrokit.pipeline.losses import losses_of

        lines, hold = [], threading.Event()
        losses = losses_of("otlp", "traces", "h:1", lines.append, {})
        losses.record_failure(1, "x")
        losses.record_failure(1, "x")
        taken = threading.Event()

        def holds():
            with losses._lock:
                taken.set()
                hold.wait()

        threading.Thread(target=holds, daemon=True).start()
        taken.wait()
        if os.fork() == 0:
            losses.finish()
            losses.record_failure(5, "y")
            print(lines[1:], flush=True)
            os._exit(0)
        os.wait()
        hold.set()
        losses.finish()
        print(lines[1:])
    """
    child, parent = run([sys.executable, "-c", dedent(program)]).stdout.splitlines()

    assert child == "['otlp traces: 1 batch, 5 spans lost: y. Run `distrokit doctor` to see why.']"
    assert parent.startswith("['otlp traces: 1 batch, 1 span lost: x.")


def test_what_a_line_is_printed_on_may_call_back():
    # A signal handler that ends a span while a line about lost spans is being made.
    losses, lines, _ = tally()
    inner = iter(range(3))
    losses._clock = lambda: 0.0 if next(inner, None) is None else losses.record_failure(1, "inner") * 0.0

    losses.record_failure(1, "outer")

    assert lines
    losses.finish()
    assert losses.totals == {"failed": 4}


@pytest.mark.parametrize(
    ("answer", "lost"), [("None", 0), ("LogExportResult.SUCCESS", 0), ("LogRecordExportResult.FAILURE", 1)]
)
def test_only_what_says_that_it_failed_has_failed(tmp_path, answer, lost):
    from distributions import write_plugin

    source = f"""
        from distrokit import Exporter, hookimpl

        def make(options):
            from opentelemetry.sdk._logs import export
            from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
            LogExportResult = getattr(export, "LogExportResult", LogRecordExportResult)
            class Acme(LogRecordExporter):
                def export(self, batch):
                    return {answer}
                def shutdown(self):
                    raise OSError("cannot close")
                def force_flush(self, timeout_millis=1):
                    return True
            return Acme()

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "logs", make)]
    """
    program = "import logging; logging.getLogger('x').error('e'); logging.getLogger('x').error('f')"
    env = {**QUIET, "OTEL_LOGS_EXPORTER": "acme", "DISTROKIT_LOGS_PROCESSOR": "simple"}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert sum("lost" in line for line in said(result)) == 2 * lost


# -------------------------------------------------------------------- what others do with logging


CONSOLES = {
    "a handler that is no StreamHandler": "class H(logging.Handler):\n    def emit(self, r):\n"
    "        print('H', r.getMessage(), file=sys.stderr)\nroot.addHandler(H())",
    "stderr replaced": "root.addHandler(logging.StreamHandler())\n"
    "sys.stderr = io.TextIOWrapper(sys.stderr.buffer, line_buffering=True)",
    "a queue": "import logging.handlers, queue\nq = queue.Queue()\nroot.addHandler(logging.handlers.QueueHandler(q))\n"
    "listener = logging.handlers.QueueListener(q, logging.StreamHandler())\nlistener.start()\n"
    "import atexit; atexit.register(listener.stop)",
}
ELSEWHERE = {
    "a file": "root.addHandler(logging.FileHandler('app.log'))",
    "nothing": "root.addHandler(logging.NullHandler())",
    "a memory": "import logging.handlers; root.addHandler(logging.handlers.MemoryHandler(9))",
    "one that raises": "class H(logging.Handler):\n    def handle(self, r):\n        raise OSError\nroot.addHandler(H())",
    "one that filters": "h = logging.StreamHandler(); h.addFilter(logging.Filter('app')); root.addHandler(h)",
    "a set-up that names the logger": "logging.config.dictConfig({'version': 1, 'loggers':"
    " {'opentelemetry': {'level': 'WARNING', 'propagate': True}}})",
    "a set-up that names it without propagation": "logging.config.dictConfig({'version': 1, 'loggers':"
    " {'opentelemetry': {'level': 'WARNING'}}})",
}


#: Each set-up in a process of its own, with its own stderr; what they begin with is the same, and is made once.
EACH = """
import io, logging, logging.config, os, sys
root = logging.getLogger()
for number, setup in enumerate({setups!r}):
    if os.fork() == 0:
        os.dup2(os.open(f"stderr {{number}}", os.O_CREAT | os.O_WRONLY), 2)
        exec(setup)
        logging.getLogger("opentelemetry.sdk").warning("lost")
        # With what was registered for the end.
        sys.exit()
    os.wait()
"""


def test_a_message_is_shown_exactly_once_whatever_is_set_up(tmp_path):
    setups = CONSOLES | ELSEWHERE

    result = instrumented(EACH.format(setups=list(setups.values())), QUIET, cwd=tmp_path)

    assert (result.stdout, result.stderr) == ("", "")
    shown = {name: (tmp_path / f"stderr {number}").read_text() for number, name in enumerate(setups)}
    assert {name: text.count("lost") for name, text in shown.items()} == dict.fromkeys(setups, 1)


def test_after_a_set_up_that_names_the_logger_the_next_export_listens_again():
    program = """
        import logging, logging.config
        from opentelemetry import trace
        logging.config.dictConfig({"version": 1, "loggers": {"opentelemetry": {"level": "WARNING"}}})
        for _ in range(3):
            trace.get_tracer("t").start_span("s").end()
            trace.get_tracer_provider().force_flush(100)
    """
    lines = instrumented(program, {**DEAD, "OTEL_LOGS_EXPORTER": "none"}).stderr.splitlines()

    assert len(lines) == 2
    assert all("connection refused at 127.0.0.1:9" in line for line in lines)


def test_loggers_made_while_starting_are_not_switched_off():
    program = """
        import logging, logging.config
        logging.config.dictConfig({"version": 1})
        for name in ("opentelemetry.instrumentation.flask", "opentelemetry.sdk.trace", "opentelemetry.attributes"):
            logging.getLogger(name).warning("from %s", name)
    """
    assert instrumented(program, QUIET).stderr.count("from opentelemetry.") == 3


def test_the_summing_line_is_in_the_applications_own_log_too(tmp_path):
    program = """
        import logging
        from opentelemetry import trace
        logging.basicConfig(filename="app.log", force=True)
        trace.get_tracer("t").start_span("s").end()
    """
    result = instrumented(program, {**DEAD, "OTEL_LOGS_EXPORTER": "none"}, cwd=tmp_path)

    assert len(said(result)) == 1
    text = (tmp_path / "app.log").read_text()
    assert re.fullmatch(
        r"ERROR:distrokit:otlp traces: .*1 span lost.*: connection refused at 127\.0\.0\.1:9\..*\n", text
    )
    assert text.endswith(f"{DOCTOR}\n")


def test_caplog_has_each_message_once(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import logging\ndef test_it(caplog):\n    logging.getLogger('opentelemetry.sdk').warning('lost')\n"
        "    assert [r.getMessage() for r in caplog.records] == ['lost']\n"
    )
    command = [
        str(BIN / "opentelemetry-instrument"),
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        ".",
    ]

    result = run(command, QUIET, cwd=tmp_path)

    assert "1 passed" in result.stdout, result.stdout


def test_stderr_that_is_sent_to_logging_does_not_come_back_as_telemetry():
    program = """
        import logging, sys
        from opentelemetry import trace
        class ToLogging:
            def write(self, text):
                if text.strip():
                    logging.getLogger("stderr").error("S2L %s", text.strip())
            def flush(self):
                pass
        sys.stderr = ToLogging()
        logging.getLogger("opentelemetry.sdk").warning("sdk says")
        trace.get_tracer("t").start_span("s").end()
        print("own", file=sys.stderr)
    """
    result = instrumented(program, DEAD)

    assert "S2L own" in result.stdout
    assert "sdk says" not in result.stdout
    assert "lost" not in result.stdout


def test_a_stderr_of_the_applications_own_disturbs_nobody():
    program = """
        import logging, sys
        class Odd:
            def write(self, text):
                raise RuntimeError("no")
        sys.stderr = Odd()
        logging.getLogger("opentelemetry.sdk").warning("sdk says")
        print("ran")
    """
    assert instrumented(program, QUIET).stdout == "ran\n"
    assert "->" not in instrumented("", {**QUIET, "OTEL_LOG_LEVEL": "info", "PYTHONIOENCODING": "ascii:strict"}).stderr


def test_points_of_metrics_and_log_records_are_counted():
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

    logs, metrics = sorted(said(instrumented(program, env)))

    assert re.match("distrokit: otlp logs: .*2 log records lost", logs)
    assert re.match("distrokit: otlp metrics: .*3 data points lost", metrics)


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
code = pty.spawn({[str(BIN / "opentelemetry-instrument"), sys.executable, "-c", "import logging; logging.error('done')"]!r}, read)
open({str(tmp_path / "out.json")!r}, "w").write(json.dumps(b"".join(out).decode()))
"""
    run([sys.executable, "-c", program], QUIET)

    lines = json.loads((tmp_path / "out.json").read_text()).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("distrokit: unknown_service:python")
    assert "traces, metrics, logs → nowhere" in lines[0]
    assert lines[1] == "ERROR:root:done"


def test_the_command_says_what_a_process_above_it_has_said():
    program = """
        import os, subprocess
        subprocess.run([os.environ["COMMAND_PATH"], "nonsense"])
    """
    env = {**clean_environ(), **QUIET, "DISTROKIT_DISABLED_PLUGINS": "many", "COMMAND_PATH": str(BIN / "distrokit")}

    assert sum("DISTROKIT_DISABLED_PLUGINS=many" in line for line in said(instrumented(program, env))) == 2


def test_a_plugin_changes_the_level_while_the_process_runs(tmp_path):
    source = """
        import logging
        from distrokit import Problem, hookimpl

        @hookimpl
        def distrokit_started(pipeline):
            logger = logging.getLogger("opentelemetry.acme")
            for level in (logging.ERROR, logging.DEBUG):
                pipeline.set_log_level(level)
                pipeline.report(Problem(code="acme", subject="acme", cause=f"at {level}", outcome="nothing", remedy="", severity="warning"))
                logger.debug("debug at %s", level)
                logger.warning("warning at %s", level)
            pipeline.set_log_level(logging.WARNING)
    """

    result = instrumented("", QUIET, [write_plugin(tmp_path, "acme", source)])

    assert result.stderr.splitlines() == [
        "distrokit: acme: at 10; nothing.",
        "opentelemetry.acme: debug at 10",
        "opentelemetry.acme: warning at 10",
        # Kept back while the level was higher, and said with the next report.
        "distrokit: acme: at 40; nothing.",
    ]


def test_a_message_that_has_no_text_raises_nothing(tmp_path):
    source = """
        import logging
        from distrokit import Exporter, hookimpl

        def make(options):
            from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

            class Acme(SpanExporter):
                def export(self, spans):
                    logging.getLogger("opentelemetry.acme").warning("sent", "extra")
                    print("exported")
                    return SpanExportResult.SUCCESS

            return Acme()

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "traces", make)]
    """
    program = """
        import logging
        from opentelemetry import trace

        logger = logging.getLogger("opentelemetry.app")
        for number in range(12):
            logger.warning({"number": number})
            logger.warning("done", "extra")
        trace.get_tracer("t").start_span("s").end()
    """
    env = {**QUIET, "OTEL_TRACES_EXPORTER": "acme"}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert result.stdout == "exported\n", result.stderr
    assert "Traceback" not in result.stderr
    assert "2 more messages like this one: {'number': 11}" in result.stderr
    assert "2 more messages like this one: done" in result.stderr
