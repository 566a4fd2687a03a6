"""``distrokit tail`` as it is typed: real programs, real OTLP, real signals, and a terminal."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from interpreters import ROOT
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from processes import BIN, clean_environ, distrokit, instrumented

from distrokit_dev import launcher as launcher_module
from distrokit_dev import otlp_json
from distrokit_dev.received import items
from distrokit_dev.store import TelemetryStore
from distrokit_dev.tail import command as command_module
from distrokit_dev.tail import notices, watch
from distrokit_dev.tail.arguments import add_arguments
from distrokit_dev.tail.interruption import Interruption
from distrokit_dev.tail.json_lines import JsonLines
from distrokit_dev.tail.program import Program, environment
from distrokit_dev.tail.totals import Totals

PROGRAM = """
import logging, sys
from opentelemetry import metrics, trace

with trace.get_tracer("t").start_as_current_span("GET /checkout"):
    logging.getLogger("shop").warning("retrying %s", "the card")
    with trace.get_tracer("t").start_as_current_span("SELECT cart"):
        pass
    try:
        with trace.get_tracer("t").start_as_current_span("charge"):
            raise ValueError("[red]declined[/]")
    except ValueError:
        pass
logging.getLogger("shop").error("outside \x1b[2J of it")
metrics.get_meter("m").create_counter("orders", "{order}").add(2, {"plan": "free"})
print("printed", *sys.argv[1:])
sys.exit(3)
"""
SENDS_AND_WAITS = """
import time
from opentelemetry import metrics, trace
trace.get_tracer("t").start_span("first").end()
metrics.get_meter("m").create_counter("orders").add(2)
trace.get_tracer_provider().force_flush()
metrics.get_meter_provider().force_flush()
print("ready", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise SystemExit(5)
"""
SHOP = {"OTEL_SERVICE_NAME": "shop"}
CLOCK = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} ", re.MULTILINE)


def tail(*words, env=None):
    return distrokit("tail", *words, env={**SHOP, **(env or {})})


class Running:
    """``distrokit tail`` in a process group of its own; its output is read as it comes, and it never outlives a test."""

    def __init__(self, *words, env=None, terminal=False):
        self.output = {"out": "", "err": ""}
        self._changed = threading.Condition()
        environ = clean_environ({**SHOP, "TERM": "xterm-256color", **(env or {})})
        environ.pop("COLUMNS", None)
        command = [str(BIN / "distrokit"), "tail", *words]
        if terminal:
            ours, theirs = pty.openpty()
            # Ctrl-C reaches those whose terminal it is.
            self.process = subprocess.Popen(
                [sys.executable, "-c", TAKE_TERMINAL, *command],
                env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            )  # fmt: skip
            os.close(theirs)
            self.terminal, streams = ours, {"out": ours}
        else:
            self.process = subprocess.Popen(
                command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
            streams = {"out": self.process.stdout.fileno(), "err": self.process.stderr.fileno()}
        self._readers = [threading.Thread(target=self._read, args=stream) for stream in streams.items()]
        for reader in self._readers:
            reader.start()

    def _read(self, name, stream):
        # The end of a terminal is an error on Linux, and nothing on other systems.
        with contextlib.suppress(OSError):
            while data := os.read(stream, 65536):
                with self._changed:
                    self.output[name] += data.decode(errors="replace")
                    self._changed.notify_all()

    def until(self, text, stream="out", seconds=30):
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.output[stream], seconds), self.output
        return self

    def interrupt(self, everybody=False):
        if hasattr(self, "terminal"):
            os.write(self.terminal, b"\x03")
        elif everybody:
            os.killpg(self.process.pid, signal.SIGINT)
        else:
            self.process.send_signal(signal.SIGINT)

    def ended(self):
        code = self.process.wait(30)
        for reader in self._readers:
            reader.join(10)
        return code

    def endpoint(self):
        said = self.until("http/protobuf.\n", "err").output["err"]
        return re.search(r"OTEL_EXPORTER_OTLP_ENDPOINT=(\S+)", said)[1]


TAKE_TERMINAL = """
import fcntl, os, struct, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextlib.contextmanager
def running(*words, **options) -> Iterator[Running]:
    process = Running(*words, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.process.pid, signal.SIGKILL)
        process.ended()
        if hasattr(process, "terminal"):
            os.close(process.terminal)
        else:
            process.process.stdout.close()
            process.process.stderr.close()


# With a command


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_program_and_what_it_sent(protocol):
    # None of this may lead elsewhere.
    env = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "carrier pigeon",
        "OTEL_EXPORTER_OTLP_HEADERS": "a",
        "OTEL_METRICS_EXPORTER": "console",
        "OTEL_CONFIG_FILE": "/nowhere.yaml",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }

    result = tail("--protocol", protocol, "--", sys.executable, "-c", PROGRAM, "--json", "--", "x", env=env)

    assert result.returncode == 3
    shown = CLOCK.sub("00:00:00.000 ", result.stdout)
    assert "printed --json -- x\n" in shown
    trace = shown[shown.index("00:00:00.000 shop  3 spans") :].splitlines()
    # What ends the trace; an exception that was caught marks its own span only.
    assert re.fullmatch(r"00:00:00.000 shop  3 spans, 1 error, \d.*  [0-9a-f]{32}", trace[0])
    assert re.fullmatch(r"  GET /checkout +\d\S* [mµn]?s  ━+", trace[1])
    assert trace[2] == "  │  WARN   retrying the card"
    assert re.fullmatch(r"  ├─ SELECT cart +\d\S* [mµn]?s +[━╸]+", trace[3])
    assert re.fullmatch(r"  └─ ✗ charge +\d\S* [mµn]?s +[━╸]+", trace[4])
    assert trace[5] == "        ValueError: [red]declined[/]"
    assert "00:00:00.000 ERROR shop  outside \\x1b[2J of it\n" in shown
    # On a machine that is slow the metrics may have been shown before.
    assert [line.split() for line in trace[7:]][-5:] == [
        ["service", "metric", "attributes", "value"],
        ["shop", "orders", "plan=free", "2", "order"],
        [],
        ["service", "traces", "spans", "span", "errors", "logs", "log", "errors", "metric", "points"],
        ["shop", "1", "3", "1", "2", "1", "1"],
    ]
    assert "\x1b" not in shown
    assert max(map(len, trace)) <= 80
    said = [line for line in result.stderr.splitlines() if not line.startswith(("retrying", "outside"))]
    assert re.fullmatch(rf"instrumented, sending to http://127.0.0.1:\d+ over {protocol}\.", said[-2])
    assert said[-1] == "OTEL_CONFIG_FILE is removed from its environment: with it, nothing might arrive here."


def test_a_launcher_in_the_command_is_not_started_twice():
    result = tail("--signal", "logs", "--", str(BIN / "opentelemetry-instrument"), sys.executable, "-c", PROGRAM)

    assert result.returncode == 3
    assert re.search(r"WARN  shop  retrying the card  trace [0-9a-f]{8}\n", result.stdout)
    assert "Hidden by the filters: 1 metric point, 3 spans" in result.stdout


def test_json_lines_and_nothing_else_on_stdout():
    result = tail("--json", "--", sys.executable, "-c", PROGRAM)

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert {item["signal"] for item in found} == {"traces", "metrics", "logs"}
    spans = {item["name"]: item for item in found if item["signal"] == "traces"}
    assert spans["charge"]["events"][0]["attributes"]["exception.type"] == "ValueError"
    assert spans["charge"]["parent_span_id"] == spans["GET /checkout"]["span_id"]
    logs = [item for item in found if item["signal"] == "logs"]
    assert {item["severity_number"] for item in logs} == {13, 17}
    assert "printed\n" in result.stderr
    assert "shop          1      3            1     2           1              1\n" in result.stderr
    assert result.returncode == 3


def test_in_ascii():
    result = tail("--", sys.executable, "-c", PROGRAM, env={"PYTHONIOENCODING": "ascii", "COLUMNS": "100"})

    trace = result.stdout.partition(" spans, 1 error")[2]
    assert "  |- SELECT cart" in trace
    assert "  `- x charge" in trace
    assert "===" in trace
    assert result.stdout.isascii()


@pytest.mark.parametrize(("env", "escapes"), [({"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"1", "0", "2"}), ({"FORCE_COLOR": "1"}, {"36", "31", "33"})])  # fmt: skip
def test_colours_are_asked_for_and_refused(env, escapes):
    result = tail("--", sys.executable, "-c", PROGRAM, env={**env, "TERM": "xterm"})

    found = {number for code in re.findall(r"\x1b\[([\d;]*)m", result.stdout) for number in code.split(";")}
    assert (escapes >= found) if "NO_COLOR" in env else (escapes <= found)
    # No cursor is moved in a pipe, whatever is asked for.
    assert not re.search(r"\x1b\[(?![\d;]*m)", result.stdout)


def test_ctrl_c_is_the_programs_business_and_its_end_is_waited_for():
    with running("--", sys.executable, "-c", SENDS_AND_WAITS) as process:
        process.until("ready").until("first")
        process.interrupt(everybody=True)

        assert process.ended() == 5
        assert "interrupted\n" in process.output["out"]
        assert "shop          1      1" in process.output["out"].partition("interrupted")[2]
        assert "Traceback" not in process.output["err"]


STUBBORN = """
import signal, time
for name in {names}:
    signal.signal(getattr(signal, name), lambda number, _: print("no", signal.Signals(number).name, flush=True))
print("ready", flush=True)
for _ in range(600):
    time.sleep(0.1)
"""


def test_sigterm_ends_the_program_too():
    with running("--", sys.executable, "-c", SENDS_AND_WAITS) as process:
        process.until("ready").process.terminate()

        assert process.ended() == 128 + signal.SIGTERM
        assert "span errors" in process.output["out"]


def test_ctrl_c_three_times_is_the_end():
    with running("--", sys.executable, "-c", STUBBORN.format(names=["SIGTERM", "SIGINT"])) as process:
        process.until("ready")
        for answer in ("no SIGINT\n", "no SIGTERM\n"):
            process.interrupt(everybody=True)
            process.until(answer)
            # The program has heard it; tail has to have done so, too, or two signals are one to it.
            time.sleep(0.5)
        process.interrupt(everybody=True)

        assert process.ended() == 128 + signal.SIGKILL


@pytest.mark.parametrize("option", ["--json", "--signal=traces"])
def test_a_closed_pipe_ends_it_and_the_program_quietly(option):
    # The second span comes when nobody reads any more.
    source = SENDS_AND_WAITS.replace("    time.sleep(60)", "    time.sleep(1)\n    second()\n    time.sleep(60)")
    source = 'def second():\n    trace.get_tracer("t").start_span("second").end()\n' + source
    result = subprocess.run(
        ["sh", "-c", '"$TAIL" tail "$OPTION" -- "$PYTHON" -c "$PROGRAM" | head -n 1'],
        env=clean_environ(SHOP | {"TAIL": str(BIN / "distrokit"), "PYTHON": sys.executable, "PROGRAM": source, "OPTION": option}),
        capture_output=True, text=True, timeout=40,
    )  # fmt: skip

    assert result.stdout.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


def test_commands_that_cannot_be_run(tmp_path, monkeypatch, capsys):
    result = tail("--", "no-such-program", "--json")
    assert (result.returncode, result.stdout) == (127, "")
    assert result.stderr == ("distrokit tail: the program 'no-such-program' does not exist, or is not executable\n")
    # Executable, but nothing the system can execute.
    broken = tmp_path / "opentelemetry-instrument"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    result = tail("--", str(broken))
    assert result.returncode == 127
    assert result.stderr.splitlines()[-1].startswith(f"distrokit tail: cannot run '{broken}': ")
    monkeypatch.setattr(command_module, "launcher", lambda: None)
    assert command_module.tail(parsed("--", "sh")) == 1
    assert "pip install opentelemetry-instrumentation" in capsys.readouterr().err


def test_the_launcher_may_be_nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert launcher_module.launcher() is None


# Without a command


def test_it_listens_until_ctrl_c():
    with running("--grpc-port", "0", "--http-port", "0") as process:
        sent = instrumented(PROGRAM, {**SHOP, "OTEL_EXPORTER_OTLP_ENDPOINT": process.endpoint()})
        assert sent.returncode == 3
        # The table of metrics comes a second after the first of them, with nobody asking.
        process.until("✗ charge").until("orders")
        process.interrupt()

        assert process.ended() == 0
        out = process.output["out"]
        assert out.count("plan=free") == 2
        assert out.splitlines()[-1].split() == ["shop", "1", "3", "1", "2", "1", "1"]
        assert "Traceback" not in process.output["err"]


def test_on_a_terminal_the_metrics_are_at_the_bottom():
    with running("--grpc-port", "0", "--http-port", "0", terminal=True) as process:
        process.until("http/protobuf.")
        endpoint = re.search(r"ENDPOINT=(\S+)", process.output["out"])[1]
        instrumented(PROGRAM, {**SHOP, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        process.until("charge").until("plan=free").until("\x1b[?25l")
        process.interrupt()

        assert process.ended() == 0
        out = process.output["out"]
        assert "\x1b[31mERROR" in out
        assert "\x1b[?25h" in out.rpartition("\x1b[?25l")[2]
        # What is left on the screen at the end: the table, and the totals.
        last = re.sub(r"\x1b\[[\d;]*m", "", out.rpartition("\x1b[2K")[2]).splitlines()
        assert [line.split() for line in last if line.strip()] == [
            ["service", "metric", "attributes", "value"],
            ["shop", "orders", "plan=free", "2", "order"],
            ["service", "traces", "spans", "span", "errors", "logs", "log", "errors", "metric", "points"],
            ["shop", "1", "3", "1", "2", "1", "1"],
        ]


def test_on_a_terminal_ctrl_c_reaches_the_program():
    with running("--", sys.executable, "-c", SENDS_AND_WAITS, terminal=True) as process:
        process.until("ready").until("first")
        process.interrupt()

        assert process.ended() == 5
        out = process.output["out"]
        # The program's terminal it is, too: nothing is drawn over.
        assert "\x1b[?25l" not in out
        assert out.index("interrupted") < out.index("span errors")


@pytest.mark.parametrize("option", ["--grpc-port", "--http-port"])
def test_a_taken_port(option):
    other = {"--grpc-port": "--http-port", "--http-port": "--grpc-port"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = tail(option, str(port), other, "0")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"distrokit tail: cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Stop the program on that port, or see --host, --grpc-port and --http-port (0: a free one)\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--signal", "trace"], "'trace' is not one of traces, metrics, logs"),
        (["--grpc-port", "65536"], "'65536' is not a port"),
        (["--http-port", "x"], "'x' is not a port"),
        (["--"], "a command is missing after --"),
        (["--jso", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_command_line_that_makes_no_sense(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*words)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


# Parts


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser.add_subparsers().add_parser("tail"))
    return parser.parse_args(["tail", *words])


def test_everything_behind_the_dashes_is_the_command():
    arguments = parsed("--signal", "traces,Logs", "--signal", "metrics", "--", "a", "--json", "--", "--errors", "-h")

    assert arguments.command == ["a", "--json", "--", "--errors", "-h"]
    assert (arguments.json, arguments.errors) == (False, False)
    assert arguments.signal == ["traces", "logs", "metrics"]
    assert parsed("--json", "python", "x.py", "--json").command == ["python", "x.py", "--json"]
    assert parsed().command == []


def test_the_environment_of_the_program():
    environ = {
        "OTEL_TRACES_EXPORTER": " None ",
        "OTEL_LOGS_EXPORTER": "otlp/backup",
        "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": "x",
        "OTEL_BSP_SCHEDULE_DELAY": "7",
        "OTEL_SDK_DISABLED": "true",
        "OTEL_SERVICE_NAME": "kept",
        "no_proxy": "example.org",
    }

    result, removed = environment(environ, "http://127.0.0.1:1", "grpc")

    assert removed == ["OTEL_SDK_DISABLED"]
    assert result == {
        "OTEL_TRACES_EXPORTER": " None ",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_BSP_SCHEDULE_DELAY": "7",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
        "OTEL_SERVICE_NAME": "kept",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "example.org,127.0.0.1",
    }


def test_a_program_that_will_not_end_is_ended(monkeypatch):
    monkeypatch.setattr("distrokit_dev.tail.program._GRACE", 0.2)
    monkeypatch.setattr(watch, "_GRACE", 0.2)
    source = STUBBORN.format(names=["SIGTERM"])
    for how in ("follow", "end"):
        read, write = os.pipe()
        with os.fdopen(read) as out, os.fdopen(write, "w") as stream:
            program = Program([sys.executable, "-c", source], os.environ, stream)
            assert select.select([out], [], [], 30)[0]
            if how == "follow":
                interruption = Interruption()
                interruption.terminated = True
                totals = Totals()
                view = JsonLines(stream, command_module.Filters(), totals)
                assert watch.Watch(TelemetryStore(), view, totals).follow(program, interruption) == 128 + signal.SIGKILL
            program.end()
            assert program.exit_code == 128 + signal.SIGKILL


def test_under_nohup_a_closed_terminal_is_no_reason():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert not interruption
            signal.raise_signal(signal.SIGTERM)
            assert interruption
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


class Listening:
    def __init__(self, host, grpc_port, http_port):
        self.host, self.grpc_port, self.http_port = host, grpc_port, http_port


def test_what_to_set_is_said():
    assert notices.describe_receiver(Listening("0.0.0.0", 4317, 4318))[1:] == [
        "An application with default settings sends here."
    ]
    assert "ENDPOINT=http://127.0.0.1:5000 " in notices.describe_receiver(Listening("0.0.0.0", 5000, 4318))[1]
    assert "http://10.0.0.1:4318 " in notices.describe_receiver(Listening("10.0.0.1", 4317, 4318))[2]


def test_nobody_needs_to_read_what_is_said_on_stderr(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w")
    monkeypatch.setattr("sys.stderr", stream)

    notices.complain("x")
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_the_store_hands_over_one_by_one():
    store = TelemetryStore()
    request = ExportTraceServiceRequest()
    assert store.take(0) is None
    threading.Timer(0.05, store.add, [request]).start()
    assert store.take(10) == request
    assert store.requests() == []


def test_values_that_a_later_otlp_may_define_are_kept():
    span = {"kind": 77, "status": {"code": 9}}
    data = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    (item,) = items(otlp_json.parse(json.dumps(data).encode(), ExportTraceServiceRequest()))

    assert (item.kind, item.status) == ("77", "9")


def test_the_page_has_every_option():
    page = (ROOT / "docs/tail.md").read_text()
    options = set(re.findall(r"--[a-z][a-z-]+", distrokit("tail", "--help").stdout)) - {"--help"}

    assert len(options) == 9
    for option in options:
        assert f"| `{option}" in page
