"""``distrokit run COMMAND``: the program with telemetry, and nothing else about it changed.

It becomes COMMAND, in the same process, with :mod:`distrokit.launch.site` first on PYTHONPATH. Before that nothing is
planned and no plugin is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from itertools import takewhile

from distrokit.cli.interpreter import bundle, dropped_by, interpreter_of
from distrokit.cli.target_process import no_program, with_python
from distrokit.declarations import Command
from distrokit.diagnostics import visible, write
from distrokit.launch.distro_selection import settle
from distrokit.launch.site import FOLDER
from distrokit.launch.site.sitecustomize import LAUNCHED
from distrokit.launch.startup import channel
from distrokit.settings.environ import SAID, put
from distrokit.settings.layers import Settings

#: The exit codes of a shell for a program that is not there, and for one that cannot be run.
NOT_FOUND, NOT_RUN = 127, 126
_EPILOG = (
    "Everything from COMMAND on is COMMAND's and is not looked at. Settings are environment variables:"
    " OTEL_SERVICE_NAME=shop distrokit run python app.py. Exit codes are COMMAND's; 127 when there is no such"
    " program, 126 when it cannot be run."
)


def run(words: Sequence[str]) -> int:
    """Become the command.

    Args:
        words: what follows ``distrokit run``.

    Returns: only when it could not be started: 127 not found, 126 not executable.

    Raises: SystemExit with 2 for options that make no sense.
    """
    # Split before argparse sees it: COMMAND's options are none of its business.
    own = list(takewhile(lambda word: word.startswith("-") and word != "--", words))
    command = list(words[len(own) :])
    parser = argparse.ArgumentParser(
        prog="distrokit run",
        usage="%(prog)s [-h] [--add-cwd] [--] COMMAND …",
        description=RUN.help,
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    _arguments(parser)
    parser.set_defaults(elsewhere=command[1:] if command[:1] == ["--"] else command)
    arguments = parser.parse_args(own)
    if not arguments.elsewhere:
        parser.error("there is no COMMAND to run")
    return RUN.run(arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--add-cwd",
        action="store_true",
        help="put the working directory on PYTHONPATH, as opentelemetry-instrument does: for a console script that"
        " finds the application by that only, such as django-admin; python, gunicorn, uvicorn, flask and celery need"
        " it not. Files in it are then imported in place of libraries of their names.",
    )


def _run(arguments: argparse.Namespace) -> int:
    command: list[str] = arguments.elsewhere
    # What goes wrong here costs telemetry, or a message, and not the application.
    with contextlib.suppress(Exception):
        _say_what_keeps_us_out(command)
    with contextlib.suppress(Exception):
        settle()
    return _become(command, _environ(add_cwd=arguments.add_cwd))


def _say_what_keeps_us_out(command: Sequence[str]) -> None:
    if carried := bundle(command):
        problem = carried.problem()
        if problem is None:
            write(visible(f"distrokit run: {carried.evidence}; telemetry is what its code starts"))
        else:
            said = channel(Settings.from_environ())
            said.problems([problem])
            # The Python that starts it would say the same.
            put(SAID, ",".join(said.said) or None)
        return
    interpreter = interpreter_of(command)
    found = dropped_by(command) or (interpreter.kept_out() if interpreter else None)
    if found:
        write(visible(f"distrokit run: {found.evidence}; it runs without telemetry. {found.remedy}"))


def _environ(*, add_cwd: bool) -> dict[str, str]:
    """This process's, with our folder first on PYTHONPATH, and the rest of it as the user has it."""
    given = os.environ.get("PYTHONPATH", "")
    # An empty entry is the working directory; an empty variable is none.
    path = [entry for entry in given.split(os.pathsep) if entry != FOLDER] if given else []
    if add_cwd:
        try:
            here = os.getcwd()  # noqa: PTH109  (a text)
        except OSError as error:
            write(f"distrokit run: --add-cwd: there is no working directory: {error.strerror}")
        else:
            path = path if here in path else [here, *path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([FOLDER, *path]), LAUNCHED: str(os.getpid())}


def _become(command: list[str], environ: Mapping[str, str]) -> int:
    """Replace this process; the exit code when that fails."""
    # Python ignores these for itself, and what is ignored stays so in the program that follows.
    for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        try:
            os.execvpe(command[0], command, environ)  # noqa: S606  (it is what the user typed)
        except OSError as error:
            path = shutil.which(command[0])
            if error.errno != errno.ENOEXEC or path is None:
                raise
            # A script without a first line is for the shell, as execvp(3), `env` and shells have it.
            os.execve("/bin/sh", ["/bin/sh", path, *command[1:]], environ)  # noqa: S606  (likewise)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        # ValueError: for an empty word.
        if shutil.which(command[0]) is None:
            _say(no_program(command[0]).evidence, command[0])
            return NOT_FOUND
        reason = "the program that its first line names is not there"
    except OSError as error:
        reason = error.strerror or str(error)
    _say(f"{command[0]} cannot be run: {reason}", command[0])
    return NOT_RUN


def _say(why: str, program: str) -> None:
    instead = with_python(program, "distrokit run ")
    write(visible(f"distrokit run: {why}" + (f". Write {instead}." if instead else "")))


RUN = Command("run", "run a program with telemetry, and change nothing else about it", _run, _arguments)
