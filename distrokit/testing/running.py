"""Runs a program as its user does: under ``opentelemetry-instrument``, in a process of its own, to a real receiver."""

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

#: Where a receiver is found: an entry point ``receiver`` of this group, which is called without arguments. What it
#: returns is a context manager with ``endpoint(protocol)`` and ``store.spans()``, ``.points()`` and ``.logs()``.
GROUP = "distrokit.testing"

_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

StrPath: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True)
class Ran:
    """What became of a program.

    Attributes:
        returncode: negative for the signal that ended it.
        stdout, stderr: all that it and its children wrote.
        spans, metrics, logs: what the receiver got, in the order that :mod:`distrokit.testing.items` says.
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
    """Run a program's source under a launcher, with everything that is installed, and return what arrived.

    The receiver is on loopback, on ports of its own, and speaks gRPC and HTTP. ``OTEL_EXPORTER_OTLP_ENDPOINT`` leads
    to it, over the ``OTEL_EXPORTER_OTLP_PROTOCOL`` of ``environ``, else over ``http/protobuf``. Everything is sent
    when the program ends, so there is nothing to wait for.

    Args:
        program: Python source; indented as a whole, it is dedented. It is ``program.py`` in a temporary folder, which
            is the working directory and on ``PYTHONPATH``.
        environ: set in its environment, which is this one's without variables that begin with ``OTEL_`` or
            ``DISTROKIT_``.
        files: more files of that folder by relative path, such as ``otel.yaml`` or ``acme_plugin.py``; dedented, too.
        path: more folders for ``PYTHONPATH``, such as one with a ``*.dist-info``.
        command: what stands before ``python``: words, or a text that is split as a shell does. Its first word is looked
            for beside this Python, then on ``PATH``. Empty: Python runs the program itself.
        timeout_seconds: then the program and its children are killed.

    Raises:
        RuntimeError: no receiver is installed, or there is no such command.
        TimeoutError: it did not end in time; the message has what it wrote.
        ValueError: a file would be outside of the folder.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    launcher = [_found(words[0]), *words[1:]] if words else []
    with tempfile.TemporaryDirectory(prefix="distrokit-") as name, _receiver() as receiver:
        folder = Path(name).resolve()
        _write(folder, {**(files or {}), "program.py": program})
        given = {**without_telemetry(), **(environ or {})}
        python_path = [folder, *(Path(entry).absolute() for entry in path), given.get("PYTHONPATH", "")]
        env = {
            _PROTOCOL: "http/protobuf",
            _ENDPOINT: receiver.endpoint(given.get(_PROTOCOL, "http/protobuf")),
            **given,
            "PYTHONPATH": os.pathsep.join(str(entry) for entry in python_path if entry),
        }
        # Without byte code on disk every process would compile OpenTelemetry once more.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [*launcher, sys.executable, "program.py"]
        returncode, stdout, stderr = run_bounded(command, env, folder, timeout_seconds)
        if returncode is None:
            said = f"stdout: {stdout!r}, stderr: {stderr!r}"
            raise TimeoutError(f"program.py did not end within {timeout_seconds:g} s; {said}")
        spans = spans_in_order(spans_of(receiver.store.spans()))
        logs = logs_in_order(logs_of(receiver.store.logs()), spans)
        return Ran(returncode, stdout, stderr, spans, series_in_order(points_of(receiver.store.points())), logs)


def run_bounded(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, timeout_seconds: float
) -> tuple[int | None, str, str]:
    """Exit code, ``None`` for what was killed with its children after that time; stdout and stderr.

    What a child that is left behind holds open does not keep anybody waiting.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # In a session of its own, so that its children are killed with it.
        process = subprocess.Popen(  # noqa: S603  (what a test's author wrote)
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


def _found(word: str) -> str:
    here = shutil.which(word, path=str(Path(sys.executable).parent)) or shutil.which(word)
    if here is None:
        raise RuntimeError(f"there is no command {word!r} beside {sys.executable}, nor on PATH")
    return here


@contextmanager
def _receiver() -> Iterator[Any]:
    point = next((p for p in EntryPoints.scan().group(GROUP) if p.name == "receiver"), None)
    if point is None:
        raise RuntimeError("there is no OTLP receiver to run a program against: pip install 'distrokit[dev]'")
    with point.load()() as receiver:
        yield receiver
