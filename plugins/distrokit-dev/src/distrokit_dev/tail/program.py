"""A program under ``opentelemetry-instrument`` that sends to the receiver only."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from distrokit_dev.launcher import NAME

#: Short export delays, in milliseconds, for interactive use.
_DELAYS = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "2000",
}

#: Variables that disable telemetry or override the others.
_CONFLICTING = ("OTEL_CONFIG_FILE", "OTEL_SDK_DISABLED")

#: Seconds between SIGTERM and SIGKILL.
_GRACE = 10.0


def environment(environ: Mapping[str, str], endpoint: str, protocol: str) -> tuple[dict[str, str], list[str]]:
    """Return the environment with settings for the receiver, and the names of removed variables.

    Args:
        endpoint: value for ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        protocol: ``grpc`` or ``http/protobuf``.
    """
    kept = {name: text for name, text in environ.items() if not name.startswith("OTEL_EXPORTER_OTLP")}
    removed = [name for name in _CONFLICTING if kept.pop(name, "").strip().lower() not in ("", "false")]
    for signal in ("TRACES", "METRICS", "LOGS"):
        name = f"OTEL_{signal}_EXPORTER"
        if kept.get(name, "").strip().lower() != "none":
            kept[name] = "otlp"
    for name, milliseconds in _DELAYS.items():
        if not kept.get(name, "").strip():
            kept[name] = milliseconds
    for name in ("NO_PROXY", "no_proxy"):
        # A proxy must not get loopback traffic.
        kept[name] = ",".join(filter(None, [kept.get(name, ""), endpoint.split("/")[2].rpartition(":")[0]]))
    return {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}, removed


def is_launcher(word: str) -> bool:
    """True if a command's first word is ``opentelemetry-instrument``, with any path."""
    return Path(word).name == NAME


def exists(word: str) -> bool:
    """True if the program exists and is executable."""
    return shutil.which(word) is not None


class Program:
    """Starts a program, in this process group, so that Ctrl-C reaches it.

    Args:
        command: all words of the command.
        stdout: stream for its stdout; ``None``: that of this process.

    Raises: ``OSError`` if it cannot be started.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], stdout: TextIO | None) -> None:
        self._process = subprocess.Popen(command, env=dict(environ), stdout=stdout)

    @property
    def exit_code(self) -> int | None:
        """Exit code as in a shell, 128 plus the number of a signal; ``None`` while it runs."""
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def end(self) -> None:
        """Terminate the program if it runs; kill it after ten seconds."""
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self.kill()
                self._process.wait()
