"""A program run under ``opentelemetry-instrument``, sending to the receiver and nowhere else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from distrokit_dev.launcher import NAME

#: Milliseconds after which what is recorded is sent: somebody is watching.
_DELAYS = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "2000",
}

#: With these nothing would arrive, or what arrives would not be decided by the variables.
_IN_THE_WAY = ("OTEL_CONFIG_FILE", "OTEL_SDK_DISABLED")

#: Seconds a program has to end when it is told to.
_GRACE = 10.0


def environment(environ: Mapping[str, str], endpoint: str, protocol: str) -> tuple[dict[str, str], list[str]]:
    """The caller's environment, pointed at the receiver, and the names of the variables that had to go.

    Args:
        endpoint: as ``OTEL_EXPORTER_OTLP_ENDPOINT`` has it.
        protocol: ``grpc`` or ``http/protobuf``.
    """
    kept = {name: text for name, text in environ.items() if not name.startswith("OTEL_EXPORTER_OTLP")}
    removed = [name for name in _IN_THE_WAY if kept.pop(name, "").strip().lower() not in ("", "false")]
    for signal in ("TRACES", "METRICS", "LOGS"):
        name = f"OTEL_{signal}_EXPORTER"
        if kept.get(name, "").strip().lower() != "none":
            kept[name] = "otlp"
    for name, milliseconds in _DELAYS.items():
        if not kept.get(name, "").strip():
            kept[name] = milliseconds
    for name in ("NO_PROXY", "no_proxy"):
        # A proxy of this machine would send loopback traffic elsewhere.
        kept[name] = ",".join(filter(None, [kept.get(name, ""), endpoint.split("/")[2].rpartition(":")[0]]))
    return {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}, removed


def is_launcher(word: str) -> bool:
    """Whether a command's first word is ``opentelemetry-instrument``, under whatever path."""
    return Path(word).name == NAME


def found(word: str) -> bool:
    """Whether there is such a program to run."""
    return shutil.which(word) is not None


class Program:
    """Runs from construction on, in this process group, so that Ctrl-C reaches it.

    Args:
        command: the words of it, all.
        stdout: where its stdout goes; ``None`` for where this process's goes.

    Raises: ``OSError`` when it cannot be started.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], stdout: TextIO | None) -> None:
        self._process = subprocess.Popen(command, env=dict(environ), stdout=stdout)

    @property
    def exit_code(self) -> int | None:
        """As a shell has it, 128 and more for a signal; ``None`` while it runs."""
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def terminate(self) -> None:
        """Tell it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def end(self) -> None:
        """Tell it to end, wait for that ten seconds at most, then end it; nothing when it has ended."""
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self.kill()
                self._process.wait()
