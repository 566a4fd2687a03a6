"""Programs that record items with ids and end in some way, run as a user does, against a peer with a ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from processes import BIN, LEAN, clean_environ

#: Defines ``emit(n)``: n spans, n log records with ids of their own, and n counted. Nothing is sent by the schedule.
EMITTING = """
import itertools, logging, os, sys, time
from opentelemetry import metrics, trace

tracer, logger = trace.get_tracer("t"), logging.getLogger("app")
logger.setLevel(logging.INFO)
counter = metrics.get_meter("m").create_counter("c")
numbers = itertools.count()

def emit(count=1):
    for _ in range(count):
        name = f"{os.getpid()}:{next(numbers)}"
        tracer.start_span("s", attributes={"id": name}).end()
        logger.info("record", extra={"id": name})
        counter.add(1)
        with open(os.environ["EMITTED"], "a") as file:
            file.write(name + "\\n")

def say(text):
    os.write(1, text.encode() + b"\\n")
"""

#: Nothing leaves by itself within a test.
SLOW = {
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
}


@dataclass
class Application:
    """A program that runs, or has run.

    Attributes:
        process: the first process of it.
        folder: where it runs.
        ended: when it ended, on the monotonic clock.
    """

    process: subprocess.Popen[str]
    folder: Path
    out: str = ""
    err: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0

    @property
    def emitted(self) -> list[str]:
        """The ids it has recorded so far, children's included."""
        file = self.folder / "emitted"
        return file.read_text().split() if file.exists() else []

    def until_emitted(self, count: int, seconds: float = 20.0) -> None:
        """Wait for so many."""
        self.until(lambda: len(self.emitted) >= count, f"{count} items", seconds)

    def until(self, condition: Any, what: str, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.end().err}"
            assert time.monotonic() < deadline, f"no {what} within {seconds} s"
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = 90.0) -> Application:
        """Wait for its end; it is killed, and the test fails, when that does not come."""
        if not self.ended:
            try:
                self.out, self.err = self.process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            self.ended = time.monotonic()
        return self

    def kill(self) -> None:
        """With all its children, which are in its process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=10)

    @property
    def said(self) -> list[str]:
        """The lines distrokit printed."""
        return [line for line in self.err.splitlines() if line.startswith("distrokit: ")]


def start(
    program: str | Sequence[str], endpoint: str, protocol: str, folder: Path, env: Mapping[str, str] | None = None
) -> Application:
    """Start a program's source, or a command, under ``opentelemetry-instrument``."""
    command = [sys.executable, "-c", EMITTING + dedent(program)] if isinstance(program, str) else list(program)
    environ = {
        **SLOW,
        **(LEAN if isinstance(program, str) else {}),
        "EMITTED": str(folder / "emitted"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_PYTHON_LOG_LEVEL": "info",
        **(env or {}),
    }
    process = subprocess.Popen(
        [str(BIN / "opentelemetry-instrument"), *command],
        env=clean_environ(environ),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Application(process, folder)


def run(program: str, endpoint: str, protocol: str, folder: Path, env: Mapping[str, str] | None = None) -> Application:
    """Run it to its end."""
    return start(program, endpoint, protocol, folder, env).end()


def everything_once(app: Application, peer: Any, *, points: bool = True) -> None:
    """All that was recorded has arrived, once, and counters add up."""
    ids = app.emitted
    assert ids
    for kind in ("traces", "logs"):
        assert peer.ledger.lost(ids, kind) == [], (kind, app.err)
        assert peer.ledger.duplicated(kind) == {}, kind
    if points:
        assert peer.ledger.duplicated("metrics") == {}
        assert peer.ledger.total("c") == len(ids), app.err
    assert peer.ledger.undecodable == 0
