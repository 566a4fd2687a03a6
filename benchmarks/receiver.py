"""The driver's side of the OTLP receiver, which is a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from benchmarks.environments import HERE, PROGRAMS
from benchmarks.installer import BenchmarkError, plain_environ

if TYPE_CHECKING:
    from typing_extensions import Self

#: For each signal (spans, metrics, logs): names, and how many of each arrived.
Delivered = dict[str, dict[str, int]]


class Receiver:
    """A running receiver; a context manager.

    Args:
        python: an interpreter with grpcio and opentelemetry-proto.

    Attributes:
        ports: of each protocol.
    """

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (the benchmark's own program)
            [str(python), str(PROGRAMS / "otlp_receiver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=plain_environ(PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=str(HERE.parent)),
        )
        self.ports: dict[str, int] = json.loads(self._read())

    def endpoint(self, protocol: str) -> str:
        """Return the value for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http://127.0.0.1:{self.ports[protocol]}"

    def take(self) -> Delivered:
        """Return what arrived since the last call."""
        delivered: Delivered = self._ask("take")
        return delivered

    def count(self) -> dict[str, float]:
        """Return how many items arrived since the last call, and the receiver's CPU time in seconds as ``cpu``.

        The keys are those of :func:`benchmarks.programs.counting.count_items`.
        """
        counted: dict[str, float] = self._ask("count")
        return counted

    def _ask(self, line: str) -> Any:
        if self._process.stdin is None:
            raise BenchmarkError("the receiver has no input")
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def _read(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise BenchmarkError("the OTLP receiver ended; its error is above")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
