"""No thread of distrokit takes a signal away from the application, not even in its first moments."""

from __future__ import annotations

import signal
import sys
from textwrap import dedent

import pytest
from processes import instrumented, run

PROGRAM = """
import logging, os, signal, threading, time
from pathlib import Path
import distrokit
from opentelemetry import metrics, trace

masks = {}
run = threading.Thread.run

def recording(self):
    masks[self.name.partition(" ")[0]] = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    run(self)

threading.Thread.run = recording
trace.get_tracer("t")
started_with = set(masks)
trace.get_tracer("t").start_span("s").end()
metrics.get_meter("m").create_counter("c").add(1)
logging.getLogger("l").warning("w")
distrokit.start().flush(200)
time.sleep(0.2)
every = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
tasks = Path("/proc/self/task")
blocked = f"{sum(1 << number - 1 for number in every):016x}"
# Those that started before this program did, too; except the main thread.
open_ = [
    task.name
    for task in tasks.iterdir()
    if task.name != str(os.getpid()) and f"SigBlk:\\t{blocked}" not in (task / "status").read_text()
] if tasks.exists() else None
print(sorted(set(masks) - started_with), all(mask == every for mask in masks.values()), open_)
"""


@pytest.mark.parametrize("spool", [False, True])
def test_no_thread_receives_a_signal(tmp_path, spool):
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "DISTROKIT_EXIT_TIMEOUT": "300",
        **({"DISTROKIT_SPOOL_DIRECTORY": str(tmp_path / "spool")} if spool else {}),
    }
    result = instrumented(PROGRAM, env)

    names = ["distrokit-end", "distrokit-logs", "distrokit-metrics", "distrokit-traces"]
    assert result.stdout == f"{names} True {[] if sys.platform == 'linux' else None}\n", result.stderr


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signal masks")
def test_an_interrupted_start_leaves_no_signal_blocked():
    program = """
        import signal
        from distrokit import block_signals

        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        mask = signal.pthread_sigmask

        def handler_raises(how, signals):
            # As CPython: it changes the mask, and then runs the handlers of pending signals.
            result = mask(how, signals)
            if signals and how == signal.SIG_BLOCK:
                raise KeyboardInterrupt
            return result

        signal.pthread_sigmask = handler_raises
        interrupted = 0
        try:
            with block_signals():
                interrupted += 1
        except KeyboardInterrupt:
            interrupted += 10
        print(interrupted, mask(signal.SIG_BLOCK, ()) == before)
    """
    result = run([sys.executable, "-c", dedent(program)])

    assert result.stdout == "10 True\n", result.stderr
