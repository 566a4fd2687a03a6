"""Whether a forked child of a process with this pipeline works, and ends."""

from __future__ import annotations

import json
import os
import select
import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from distrokit.declarations import Signal
from distrokit.testing.conformance.recording import record
from distrokit.testing.memory import Telemetry


def lost_in_child(
    telemetry: Telemetry, parent: Mapping[Signal, int], exporters: list[Any], seconds: float, times: int
) -> Iterator[str]:
    """Fork, record there what was recorded here, flush, stop, and shut the exporters' copies down.

    Args:
        parent: how many items of each signal came through here.
        exporters: built, and not in the pipeline.
        seconds: in which the child has to end.
        times: how often it records.
    """
    if not hasattr(os, "fork"):
        return
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.write(writing, _in_child(telemetry, exporters, times).encode())
        os._exit(0)
    os.close(writing)
    said = _answer(reading, child, seconds)
    remedy = "Make locks, threads and connections anew in forked(), which parts and hooks may have."
    if said is None:
        yield f"a forked child did not end within {seconds:g} s; every pre-forking server would hang. {remedy}"
    elif "error" in said:
        yield f"a forked child raised {said['error']}. {remedy}"
    else:
        for name, count in parent.items():
            if count and not said.get(name):
                yield f"a forked child recorded {name} and none came out; its parent's came out. {remedy}"


def _in_child(telemetry: Telemetry, exporters: list[Any], times: int) -> str:
    try:
        for exporter in exporters:
            forked = getattr(exporter, "forked", None)
            if callable(forked):
                forked()
        for _ in range(times):
            record(telemetry)
        counts = {"traces": len(telemetry.spans()), "metrics": len(telemetry.metrics()), "logs": len(telemetry.logs())}
        telemetry.pipeline.stop("process")
        for exporter in exporters:
            exporter.shutdown()
        return json.dumps(counts)
    except BaseException:
        return json.dumps({"error": traceback.format_exc().strip().splitlines()[-1]})


def _answer(reading: int, child: int, seconds: float) -> dict[str, Any] | None:
    """What the child wrote; ``None`` when it did not end in time and was killed."""
    try:
        ready, _, _ = select.select([reading], [], [], seconds)
        text = os.read(reading, 65536).decode() if ready else ""
        if not ready:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    answer: dict[str, Any] = json.loads(text) if text else {"error": "nothing, and ended at once"}
    return answer if ready else None
