"""``distrokit doctor -- COMMAND``: the question is answered in the process that COMMAND starts, not in this one.

COMMAND is started under the launcher, as it would be in earnest. The first process in it that loads distrokit finds
the question in its environment, answers it into a file, and ends before the application's first line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from distrokit.cli.interpreter import Interpreter, interpreter_of
from distrokit.declarations import Check
from distrokit.settings import ASKED

#: Seconds until COMMAND must have come to a Python that loads distrokit.
PATIENCE = 60.0
_LAUNCHER = "opentelemetry-instrument"
#: Of what COMMAND printed, in characters, as evidence.
_SHOWN = 300


def ask(arguments: Sequence[str], command: Sequence[str]) -> tuple[int, str, str] | Check:
    """Run ``distrokit`` with these arguments in the process of a command.

    Returns: exit code, stdout and stderr; or why there is no answer.
    """
    program = shutil.which(command[0])
    if program is None:
        return Check("command", "fail", f"there is no program {command[0]!r}", "Correct the command.")
    interpreter = None if Path(program).name == _LAUNCHER else interpreter_of(program, command)
    if interpreter is not None and (obstacle := interpreter.obstacle()):
        return obstacle
    with tempfile.TemporaryDirectory(prefix="distrokit-") as folder:
        path = Path(folder, "answer")
        environ = {**os.environ, ASKED: json.dumps([list(arguments), str(path)])}
        code, printed = _run(_launched(program, command, interpreter), environ, path)
        if path.exists():
            told: list[Any] = json.loads(path.read_text(encoding="utf-8"))
            return told[0], told[1], told[2]
    return _silence(command, code, printed)


def answer(asked: str, main: Callable[[Sequence[str]], int]) -> None:
    """In the process of the command: answer, and end it.

    Args:
        asked: what :data:`~distrokit.settings.ASKED` holds.
        main: of the ``distrokit`` command.
    """
    arguments, path = json.loads(asked)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    part = Path(f"{path}.{os.getpid()}")
    part.write_text(json.dumps([code, out.getvalue(), err.getvalue()]), encoding="utf-8")
    part.replace(path)
    os._exit(0)


def launch(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Become the command, under the launcher; returns only when there is no such program."""
    program = shutil.which(command[0])
    if program is not None:
        words = _launched(program, command, interpreter_of(program, command))
        os.execvpe(words[0], words, {**os.environ, **environ})  # noqa: S606


def _launched(program: str, command: Sequence[str], interpreter: Interpreter | None) -> list[str]:
    """The command with the launcher before it: the one of its own environment, where there is one."""
    if Path(program).name == _LAUNCHER:
        return [program, *command[1:]]
    beside = [
        Path(path).with_name(_LAUNCHER) for path in (interpreter.path if interpreter else "", sys.executable) if path
    ]
    launcher = next((str(path) for path in beside if path.is_file()), shutil.which(_LAUNCHER) or _LAUNCHER)
    return [launcher, *command]


def _run(words: Sequence[str], environ: Mapping[str, str], answer: Path) -> tuple[int | None, str]:
    """Exit code, ``None`` where it had to be ended, and what it printed."""
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(  # noqa: S603  (it is what the user typed)
            words, env=environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True
        )
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not answer.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        if answer.exists():
            # It ends by itself, and what waits for it, a shell say, with it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        code = process.poll()
        _end(process)
        printed.seek(0)
        return code, printed.read(65_536).decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and those it started, if they are still there."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
            return


def _silence(command: Sequence[str], code: int | None, printed: str) -> Check:
    end = f"it ended with exit code {code}" if code is not None else f"it was ended after {PATIENCE:.0f} seconds"
    last = " ".join(printed.split())[-_SHOWN:]
    said = f", and its last words were: {last}" if last else ""
    evidence = f"no Python in `{' '.join(command)}` loaded distrokit; {end}{said}"
    remedy = (
        "Look whether it changes PYTHONPATH, starts Python with -S, -I or -E, or has another sitecustomize;"
        " where no launcher gets through, call distrokit.start() in the application."
    )
    return Check("command", "fail", evidence, remedy)
