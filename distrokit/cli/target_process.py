"""``distrokit doctor -- COMMAND``: the question is answered in the process that COMMAND starts, not in this one.

COMMAND is started as it is, with :mod:`distrokit.cli.guard` first on PYTHONPATH, where the launcher would stand. The
first Python in it finds the question in its environment, answers it into a file, and ends before the application's
first line.
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

from distrokit.cli.guard.sitecustomize import CANNOT
from distrokit.cli.interpreter import LAUNCHER, Interpreter, about_bundle, bundle, by_run, dropped_by, interpreter_of
from distrokit.declarations import Check
from distrokit.doctor.installer import install_line
from distrokit.settings.environ import ASKED

#: Seconds until COMMAND must have come to a Python.
PATIENCE = 60.0
#: Of what COMMAND printed, in characters, as evidence.
_SHOWN = 300


def ask(arguments: Sequence[str], command: Sequence[str]) -> tuple[int, str, str] | Check:
    """Run ``distrokit`` with these arguments in the process of a command.

    Returns: exit code, stdout and stderr; or why there is no answer.
    """
    if found := _obstacle(command):
        return found
    with tempfile.TemporaryDirectory(prefix="distrokit-") as folder:
        # Whoever COMMAND becomes, another user even, writes the answer there; the folder's name cannot be guessed.
        Path(folder).chmod(0o733)
        path = Path(folder, "answer")
        try:
            code, printed = _run(command, {**_environ(command), ASKED: json.dumps([list(arguments), str(path)])}, path)
        except OSError as error:
            why = f"{command[0]} cannot be started: {error.strerror}"
            return Check("command", "fail", why, f"head -1 {shlex.quote(command[0])}  # the program that runs it")
        told: Any = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if isinstance(told, list):
        return told[0], told[1], told[2]
    if isinstance(told, dict):
        return _without(told["without"])
    return _silence(command, code, printed)


def _obstacle(command: Sequence[str]) -> Check | None:
    """Why it is not even started; ``None`` when nothing is seen."""
    if shutil.which(command[0]) is None:
        return no_program(command[0])
    if dropped := dropped_by(command):
        return dropped
    if carried := bundle(command):
        return about_bundle(carried)
    interpreter = interpreter_of(command)
    return interpreter.obstacle() if interpreter is not None else None


def answer(asked: str, main: Callable[[Sequence[str]], int]) -> NoReturn:
    """In the process of the command: answer, and end it.

    Args:
        asked: what :data:`~distrokit.settings.layers.ASKED` holds.
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
    """The finding about a word that cannot be run."""
    if remedy := with_python(name):
        what = (
            f"{name} is a file of Python, and no program" if Path(name).is_file() else f"there is no program {name!r}"
        )
        return Check("command", "fail", what, f"Write {remedy}.")
    if Path(name).is_file():
        return Check("command", "fail", f"{name} is there, and is not executable", f"chmod +x {shlex.quote(name)}")
    return Check("command", "fail", f"there is no program {name!r}", "Correct the command.")


def with_python(name: str, before: str = "") -> str:
    """``python app.py`` for ``app.py``; empty for what is named like no file of Python.

    Args:
        before: the words that are typed before it.
    """
    return f"{before}python {shlex.quote(name)}" if name.endswith(".py") else ""


def launch(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Become the command, under the launcher; returns only when there is no such program."""
    program = shutil.which(command[0])
    if program is not None:
        words = _launched(program, command, interpreter_of(command))
        os.execvpe(words[0], words, {**os.environ, **environ})  # noqa: S606  (it is what the user typed)


def _environ(command: Sequence[str]) -> dict[str, str]:
    """This one's, with the guard where the launcher puts itself, and the working directory after it, as it does."""
    # Ours does not, and says so itself where it is asked to.
    here = "" if by_run(command) else str(Path.cwd())
    path = [str(Path(__file__).with_name("guard")), here, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


def _launched(program: str, command: Sequence[str], interpreter: Interpreter | None) -> list[str]:
    """The command with the launcher before it: the one of its own environment, where there is one."""
    if Path(program).name == LAUNCHER or by_run(command):
        return [program, *command[1:]]
    beside = [
        Path(path).with_name(LAUNCHER) for path in (interpreter.path if interpreter else "", sys.executable) if path
    ]
    launcher = next((str(path) for path in beside if path.is_file()), shutil.which(LAUNCHER) or LAUNCHER)
    return [launcher, *command]


def _run(words: Sequence[str], environ: Mapping[str, str], answered: Path) -> tuple[int | None, str]:
    """Exit code, ``None`` where it had to be ended, and what it printed."""
    with tempfile.TemporaryFile() as printed, _signals() as told:
        process = subprocess.Popen(  # noqa: S603  (it is what the user typed)
            words, env=environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True
        )
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not answered.exists() and not told and time.monotonic() < deadline:
            time.sleep(0.02)
        if answered.exists():
            # It ends by itself, and what waits for it, a shell say, with it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        code = process.poll()
        _end(process)
        printed.seek(0)
        text = printed.read(65_536).decode("utf-8", "replace")
    if told:
        raise KeyboardInterrupt if told[0] == signal.SIGINT else SystemExit(128 + told[0])
    return code, text


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Those that would end this process, noted: what is started has a session of its own, and must be ended first."""
    told: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: told.append(number))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all it started that is still in its session."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)


def _without(python: str) -> Check:
    remedy = install_line("distrokit[otlp]", python=python)
    return Check("interpreter", "fail", f"{python}, which runs it, has no distrokit; it was ended there", remedy)


def _silence(command: Sequence[str], code: int | None, printed: str) -> Check:
    end = f"it ended with exit code {code}" if code is not None else f"it was ended after {PATIENCE:.0f} seconds"
    last = " ".join(printed.split())[-_SHOWN:]
    said = f", and its last words were: {last}" if last else ""
    # Not the whole command: there may be a secret in it.
    evidence = f"`{command[0]} …` came to no Python that could be asked; {end}{said}"
    if code == CANNOT:
        # The application has not run: the guard ended it.
        return Check("command", "fail", f"a Python in `{command[0]} …` cannot answer{said}", "Repair what it names.")
    remedy = (
        "Look whether it changes PYTHONPATH, or starts Python with -S, -I or -E (then its own code has run);"
        " where no launcher gets through, call distrokit.start() in the application."
    )
    return Check("command", "fail", evidence, remedy)
