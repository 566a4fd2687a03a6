"""Runs a program as a user does: under ``opentelemetry-instrument``, in its own process, with a real receiver."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.environ import without_telemetry
from distrokit.testing.from_received import logs_of, points_of, spans_of
from distrokit.testing.items import Log, Metric, Span
from distrokit.testing.ordering import logs_in_order, series_in_order, spans_in_order

#: Group of the entry point ``receiver``, a callable without arguments. It returns a context manager with
#: ``endpoint(protocol)`` and ``store.spans()``, ``.points()`` and ``.logs()``.
GROUP = "distrokit.testing"

_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

StrPath: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True)
class Ran:
    """The result of a program.

    Attributes:
        returncode: the exit code; negative if a signal ended it.
        stdout, stderr: the output of the program and its children.
        spans, metrics, logs: the received items, in the order of :mod:`distrokit.testing.items`.
    """

    returncode: int
    stdout: str
    stderr: str
    spans: list[Span]
    metrics: list[Metric]
    logs: list[Log]


def instrumented(
    program: str,
    environ: Mapping[str, str] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    path: Sequence[StrPath] = (),
    command: str | Sequence[str] = "opentelemetry-instrument",
    timeout_seconds: float = 60,
) -> Ran:
    """Run a program's source under a launcher, with all installed packages, and return what arrived.

    The receiver listens on free loopback ports, for gRPC and HTTP. ``OTEL_EXPORTER_OTLP_ENDPOINT`` points to it, with
    the ``OTEL_EXPORTER_OTLP_PROTOCOL`` of ``environ``, or ``http/protobuf``. A program sends everything when it ends,
    so the result is complete.

    Args:
        program: Python source; it is dedented, and saved as ``program.py`` in a temporary folder, which is the working
            directory and on ``PYTHONPATH``.
        environ: added to this process's environment without variables that begin with ``OTEL_`` or ``DISTROKIT_``.
        files: more files in that folder by relative path, such as ``otel.yaml`` or ``acme_plugin.py``; dedented, too.
        path: more folders for ``PYTHONPATH``, such as one with a ``*.dist-info``.
        command: the launcher in front of ``python``: words, or a string that is split like a shell command. Its first
            word is looked up next to this Python, then on ``PATH``. Empty: run the program with Python alone.
        timeout_seconds: after this time the program and its children are killed.

    Raises:
        RuntimeError: no receiver is installed, or the command does not exist.
        TimeoutError: the program did not end in time; the message has its output.
        ValueError: a file would be outside of the folder.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    launcher = [_find_command(words[0]), *words[1:]] if words else []
    with tempfile.TemporaryDirectory(prefix="distrokit-") as name, _receiver() as receiver:
        folder = Path(name).resolve()
        _write(folder, {**(files or {}), "program.py": program})
        environment = {**without_telemetry(), **(environ or {})}
        python_path = [folder, *(Path(entry).absolute() for entry in path), environment.get("PYTHONPATH", "")]
        env = {
            _PROTOCOL: "http/protobuf",
            _ENDPOINT: receiver.endpoint(environment.get(_PROTOCOL, "http/protobuf")),
            **environment,
            "PYTHONPATH": os.pathsep.join(str(entry) for entry in python_path if entry),
        }
        # Without cached byte code every process would compile OpenTelemetry again.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [*launcher, sys.executable, "program.py"]
        returncode, stdout, stderr = run_bounded(command, env, folder, timeout_seconds)
        if returncode is None:
            output = f"stdout: {stdout!r}, stderr: {stderr!r}"
            raise TimeoutError(f"program.py did not end within {timeout_seconds:g} s; {output}")
        spans = spans_in_order(spans_of(receiver.store.spans()))
        logs = logs_in_order(logs_of(receiver.store.logs()), spans)
        return Ran(returncode, stdout, stderr, spans, series_in_order(points_of(receiver.store.points())), logs)


def run_bounded(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, timeout_seconds: float
) -> tuple[int | None, str, str]:
    """Run a command; return its exit code (``None`` if it timed out and was killed with its children), stdout, stderr.

    Files, not pipes: a child that is left behind would keep a pipe open.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # Its own session, so that its children can be killed, too.
        process = subprocess.Popen(  # noqa: S603  (the test's own command)
            command,
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            returncode: int | None = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            returncode = None
        finally:
            if process.returncode is None:
                _kill(process)
        return returncode, _text(out), _text(err)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _text(stream: Any) -> str:
    stream.seek(0)
    text: str = stream.read().decode(errors="replace")
    return text.replace("\r\n", "\n")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            raise ValueError(f"{name!r} is not inside the program's folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")


def _find_command(word: str) -> str:
    here = shutil.which(word, path=str(Path(sys.executable).parent)) or shutil.which(word)
    if here is None:
        raise RuntimeError(f"there is no command {word!r} beside {sys.executable}, nor on PATH")
    return here


@contextmanager
def _receiver() -> Iterator[Any]:
    point = next((p for p in EntryPoints.scan().group(GROUP) if p.name == "receiver"), None)
    if point is None:
        raise RuntimeError("no OTLP receiver is installed: pip install 'distrokit[dev]'")
    with point.load()() as receiver:
        yield receiver
