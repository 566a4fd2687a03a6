"""``distrokit doctor -- COMMAND``: runs a subcommand in the process that COMMAND starts, not in this one.

COMMAND is started with :mod:`distrokit.cli.guard` first on PYTHONPATH, in the launcher's place. Its first Python reads
the subcommand from the environment, writes the output to a file, and ends before the application's first line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from distrokit.attached.site.sitecustomize import find_root
from distrokit.cli.guard.sitecustomize import CANNOT
from distrokit.cli.interpreter import (
    LAUNCHER,
    Interpreter,
    check_bundle,
    check_pythonpath,
    find_bundle,
    interpreter_of,
    uses_run,
)
from distrokit.declarations import Check
from distrokit.doctor.installer import install_line
from distrokit.settings.environ import ASKED

#: Seconds within which COMMAND must start a Python.
PATIENCE = 60.0
#: Number of characters of COMMAND's output that are shown as evidence.
_SHOWN = 300


def ask(arguments: Sequence[str], command: Sequence[str], attached: str | None = None) -> tuple[int, str, str] | Check:
    """Run ``distrokit`` with these arguments in the process of a command.

    Args:
        arguments: of ``distrokit``.
        command: what the user typed after ``--``.
        attached: a folder of ``distrokit build`` that is put on PYTHONPATH instead of the launcher's. ``None`` for the
            one that is on PYTHONPATH already, if there is one.

    Returns: exit code, stdout and stderr; or why there is no answer.
    """
    attached = attached or _find_attached()
    if found := _obstacle(command, attached):
        return found
    with tempfile.TemporaryDirectory(prefix="distrokit-") as folder:
        # COMMAND may run as another user, who must be able to write; the folder's name cannot be guessed.
        Path(folder).chmod(0o733)
        path = Path(folder, "answer")
        try:
            environ = _environ(command) if attached is None else _attached_environ(attached)
            code, printed = _run(command, {**environ, ASKED: json.dumps([list(arguments), str(path)])}, path)
        except OSError as error:
            why = f"{command[0]} cannot be started: {error.strerror}"
            return Check("command", "fail", why, f"head -1 {shlex.quote(command[0])}  # the program that runs it")
        result: Any = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if isinstance(result, list):
        return result[0], result[1], result[2]
    if isinstance(result, dict) and "disabled" in result:
        evidence = f"{result['disabled']}; the application runs without distrokit"
        return Check("attached", "fail", evidence, result["remedy"])
    if isinstance(result, dict):
        return _no_distrokit(result["without"])
    return _no_answer(command, code, printed)


def _obstacle(command: Sequence[str], attached: str | None) -> Check | None:
    """Return why COMMAND is not started; ``None`` if no obstacle is known."""
    if attached is not None and not find_root(str(Path(attached).absolute())):
        return Check(
            "attached",
            "fail",
            f"{attached} is not a folder of `distrokit build`",
            "Correct --attached, or make one with `distrokit build`.",
        )
    if shutil.which(command[0]) is None:
        return no_program(command[0])
    if check := check_pythonpath(command):
        return check
    if bundle := find_bundle(command):
        return check_bundle(bundle)
    interpreter = interpreter_of(command)
    if interpreter is None:
        return None
    return interpreter.obstacle() if attached is None else interpreter.check_flags()


def answer(asked: str, main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run the subcommand in the process of COMMAND, write its output to the file, and end the process.

    Args:
        asked: the value of the variable :data:`~distrokit.settings.environ.ASKED`.
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


def no_program(name: str) -> Check:
    """Return the finding about a program that cannot be run."""
    if remedy := with_python(name):
        evidence = (
            f"{name} is a Python file, not a program" if Path(name).is_file() else f"there is no program {name!r}"
        )
        return Check("command", "fail", evidence, f"Write {remedy}.")
    if Path(name).is_file():
        return Check("command", "fail", f"{name} exists and is not executable", f"chmod +x {shlex.quote(name)}")
    return Check("command", "fail", f"there is no program {name!r}", "Correct the command.")


def with_python(name: str, before: str = "") -> str:
    """Return ``python app.py`` for ``app.py``; empty for a name that does not end in ``.py``.

    Args:
        before: the words that are typed before it.
    """
    return f"{before}python {shlex.quote(name)}" if name.endswith(".py") else ""


def launch(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Become the command, under the launcher; return only if the program is not found."""
    program = shutil.which(command[0])
    if program is not None:
        words = _with_launcher(program, command, interpreter_of(command))
        os.execvpe(words[0], words, {**os.environ, **environ})  # noqa: S606  (it is what the user typed)


def _environ(command: Sequence[str]) -> dict[str, str]:
    """Return this process's environment with guard and working directory on PYTHONPATH, as the launcher does it."""
    # `distrokit run` adds the working directory itself, with --add-cwd only.
    here = "" if uses_run(command) else str(Path.cwd())
    path = [str(Path(__file__).with_name("guard")), here, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


def _attached_environ(folder: str) -> dict[str, str]:
    """Return this process's environment with a folder of ``distrokit build`` first on PYTHONPATH."""
    before = os.environ.get("PYTHONPATH", "")
    if folder not in before.split(os.pathsep):
        before = os.pathsep.join(filter(None, [str(Path(folder).absolute()), before]))
    return {**os.environ, "PYTHONPATH": before}


def _find_attached() -> str | None:
    """Return the first entry of PYTHONPATH that leads to a folder of ``distrokit build``; ``None`` if none does."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return next((entry for entry in entries if entry and find_root(str(Path(entry).absolute()))), None)


def _with_launcher(program: str, command: Sequence[str], interpreter: Interpreter | None) -> list[str]:
    """Return the command with the launcher in front, the one of COMMAND's own environment if it has one."""
    if Path(program).name == LAUNCHER or uses_run(command):
        return [program, *command[1:]]
    beside = [
        Path(path).with_name(LAUNCHER) for path in (interpreter.path if interpreter else "", sys.executable) if path
    ]
    launcher = next((str(path) for path in beside if path.is_file()), shutil.which(LAUNCHER) or LAUNCHER)
    return [launcher, *command]


def _run(words: Sequence[str], environ: Mapping[str, str], answered: Path) -> tuple[int | None, str]:
    """Run it; return the exit code, ``None`` if it had to be ended, and its output."""
    with tempfile.TemporaryFile() as printed, _note_signals() as received:
        process = subprocess.Popen(  # noqa: S603  (it is what the user typed)
            words, env=environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True
        )
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not answered.exists() and not received and time.monotonic() < deadline:
            time.sleep(0.02)
        if answered.exists():
            # The Python ends by itself, and a shell that waits for it ends with it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        code = process.poll()
        _end(process)
        printed.seek(0)
        text = printed.read(65_536).decode("utf-8", "replace")
    if received:
        raise KeyboardInterrupt if received[0] == signal.SIGINT else SystemExit(128 + received[0])
    return code, text


@contextlib.contextmanager
def _note_signals() -> Iterator[list[int]]:
    """Note the signals that would end this process: COMMAND has its own session, and must be ended first."""
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: received.append(number))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children in the same session."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)


def _no_distrokit(python: str) -> Check:
    remedy = install_line("distrokit[otlp]", python=python)
    return Check("interpreter", "fail", f"{python}, which runs it, has no distrokit; COMMAND was ended", remedy)


def _no_answer(command: Sequence[str], code: int | None, printed: str) -> Check:
    end = f"it ended with exit code {code}" if code is not None else f"it was ended after {PATIENCE:.0f} seconds"
    last = " ".join(printed.split())[-_SHOWN:]
    output = f"; its last output was: {last}" if last else ""
    # Not the whole command, which may contain a secret.
    evidence = f"`{command[0]} …` started no Python that ran distrokit; {end}{output}"
    if code == CANNOT:
        # The guard ended it before the application ran.
        return Check(
            "command",
            "fail",
            f"a Python in `{command[0]} …` cannot run distrokit{output}",
            "Correct the error in its output.",
        )
    remedy = (
        "Check whether it changes PYTHONPATH, or starts Python with -S, -I or -E (then its own code has run)."
        " Where no launcher works, call distrokit.start() in the application."
    )
    return Check("command", "fail", evidence, remedy)
