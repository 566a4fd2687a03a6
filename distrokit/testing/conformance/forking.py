"""Checks that a forked child of a process with this pipeline works, and ends."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from distrokit.testing.conformance.recording import record
from distrokit.testing.memory import Telemetry


@dataclass(frozen=True)
class Child:
    """The work of a forked child.

    Attributes:
        telemetry: the pipeline to record with, and to stop.
        exporters: exporters outside the pipeline, to shut down.
        times: how often to record.
        count_items: counts the items at each point of the pipeline, keyed by the finding if there are none.
        faults: returns the plugin's problems so far.
    """

    telemetry: Telemetry
    exporters: list[Any]
    times: int
    count_items: Callable[[], dict[str, int]]
    faults: Callable[[], list[str]]

    def run(self, before: list[str]) -> dict[str, Any]:
        """Run in the child; return counts and problems, or the error.

        Args:
            before: problems from before the fork.
        """
        try:
            for exporter in self.exporters:
                forked = getattr(exporter, "forked", None)
                if callable(forked):
                    forked()
            for _ in range(self.times):
                record(self.telemetry)
            counts = self.count_items()
            self.telemetry.pipeline.stop("process")
            for exporter in self.exporters:
                exporter.shutdown()
        except BaseException:
            return {"error": "raised " + traceback.format_exc().strip().splitlines()[-1]}
        return {"counts": counts, "faults": [text for text in self.faults() if text not in before]}


def check_child(child: Child, parent: Mapping[str, int], seconds: float) -> Generator[str, None, list[str]]:
    """Fork, and compare the child with its parent; yield findings.

    Args:
        parent: the counts of the parent.
        seconds: timeout of the child.

    Returns: the problems in the child.
    """
    if not hasattr(os, "fork"):
        return []
    # Problems from before the fork belong to the parent.
    before = child.faults()
    reading, writing = os.pipe()
    number = os.fork()
    if number == 0:
        with suppress(BaseException):
            _write(writing, json.dumps(child.run(before)) + "\n")
        os._exit(0)
    os.close(writing)
    result = _read_result(reading, number, seconds)
    remedy = "Create locks, threads and connections again in forked() of the part, or in distrokit_forked."
    if result is None:
        yield f"a forked child did not end within {seconds:g} s; every pre-forking server would hang. {remedy}"
        return []
    if "error" in result:
        yield f"a forked child {result['error']}. {remedy}"
        return []
    for what, count in parent.items():
        if count and not result["counts"].get(what):
            yield f"a forked child recorded {what}. {remedy}"
    faults: list[str] = result["faults"]
    return faults


def _write(writing: int, text: str) -> None:
    left = text.encode()
    while left:
        left = left[os.write(writing, left) :]


def _read_result(reading: int, child: int, seconds: float) -> dict[str, Any] | None:
    """Read what the child wrote; ``None`` if it timed out and was killed."""
    deadline = time.monotonic() + seconds
    text = b""
    try:
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                os.kill(child, signal.SIGKILL)
                return None
            more = os.read(reading, 65536)
            if not more:
                return {"error": "exited without a result"}
            text += more
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    result: dict[str, Any] = json.loads(text)
    return result
