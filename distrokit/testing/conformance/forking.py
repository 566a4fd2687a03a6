"""Whether a forked child of a process with this pipeline works, and ends."""

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
    """What a forked child does.

    Attributes:
        telemetry: recorded there what was recorded here, flushed, and stopped.
        exporters: built, and not in the pipeline; their copies are shut down.
        times: how often it records.
        came_out: how many items came how far, each with what it means when there are none.
        faults: what did not work so far, of the plugin's.
    """

    telemetry: Telemetry
    exporters: list[Any]
    times: int
    came_out: Callable[[], dict[str, int]]
    faults: Callable[[], list[str]]

    def answer(self, before: list[str]) -> dict[str, Any]:
        """Do it.

        Args:
            before: what did not work before the fork.
        """
        try:
            for exporter in self.exporters:
                forked = getattr(exporter, "forked", None)
                if callable(forked):
                    forked()
            for _ in range(self.times):
                record(self.telemetry)
            counts = self.came_out()
            self.telemetry.pipeline.stop("process")
            for exporter in self.exporters:
                exporter.shutdown()
        except BaseException:
            return {"error": traceback.format_exc().strip().splitlines()[-1]}
        return {"counts": counts, "faults": [text for text in self.faults() if text not in before]}


def lost_in_child(child: Child, parent: Mapping[str, int], seconds: float) -> Generator[str, None, list[str]]:
    """Fork, and see what comes of it.

    Args:
        parent: what came out here.
        seconds: in which the child has to end.

    Returns: what did not work there.
    """
    if not hasattr(os, "fork"):
        return []
    # The hooks and parts that are told of a fork are told by it, and what was said before is the parent's.
    before = child.faults()
    reading, writing = os.pipe()
    number = os.fork()
    if number == 0:
        with suppress(BaseException):
            _write(writing, json.dumps(child.answer(before)) + "\n")
        os._exit(0)
    os.close(writing)
    said = _answer(reading, number, seconds)
    remedy = "Make locks, threads and connections anew in forked(), which parts and hooks may have."
    if said is None:
        yield f"a forked child did not end within {seconds:g} s; every pre-forking server would hang. {remedy}"
        return []
    if "error" in said:
        yield f"a forked child raised {said['error']}. {remedy}"
        return []
    for what, count in parent.items():
        if count and not said["counts"].get(what):
            yield f"a forked child recorded {what}. {remedy}"
    faults: list[str] = said["faults"]
    return faults


def _write(writing: int, text: str) -> None:
    left = text.encode()
    while left:
        left = left[os.write(writing, left) :]


def _answer(reading: int, child: int, seconds: float) -> dict[str, Any] | None:
    """What the child wrote; ``None`` when it did not end in time and was killed."""
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
                return {"error": "nothing, and ended at once"}
            text += more
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    answer: dict[str, Any] = json.loads(text)
    return answer
