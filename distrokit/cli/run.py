"""``distrokit run COMMAND``: runs a program with telemetry and changes nothing else about it.

The process becomes COMMAND, with :mod:`distrokit.launch.site` first on PYTHONPATH. Before that it makes no plan and
imports no plugin.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import signal
from collections.abc import Mapping, Sequence

from distrokit.attached.site.sitecustomize import find_root
from distrokit.cli.interpreter import check_pythonpath, find_bundle, interpreter_of
from distrokit.cli.plain_command import launched_environ
from distrokit.cli.target_process import no_program, with_python
from distrokit.diagnostics import visible, write
from distrokit.launch.site import FOLDER

#: A shell's exit codes for a program that is not found, and for one that cannot be run.
NOT_FOUND, NOT_RUN = 127, 126
PATH_HELP = (
    'print the folder that starts distrokit if it is first on PYTHONPATH: PYTHONPATH="$(distrokit path)" python app.py'
)
HELP = "run a program with telemetry, and change nothing else about it"
_EPILOG = (
    "Everything after COMMAND is passed to it unchanged. Settings are environment variables:"
    " OTEL_SERVICE_NAME=shop distrokit run python app.py. The exit code is COMMAND's; 127 if the program is not found,"
    " 126 if it cannot be run."
)


def run(words: Sequence[str]) -> int:
    """Become the command.

    Args:
        words: what follows ``distrokit run``.

    Returns: only when it could not be started: 127 not found, 126 not executable.

    Raises: SystemExit with 2 for options that make no sense.
    """
    # Split here: argparse must not parse COMMAND's options.
    own = _own_words(words)
    command = list(words[len(own) :])
    parser = argparse.ArgumentParser(
        prog="distrokit run",
        usage="%(prog)s [-h] [--add-cwd] [--attach FOLDER] [--] COMMAND …",
        description=HELP,
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    add_run_arguments(parser)
    parser.set_defaults(elsewhere=command[1:] if command[:1] == ["--"] else command)
    arguments = parser.parse_args(own)
    if not arguments.elsewhere:
        parser.error("COMMAND is missing")
    return run_parsed(arguments)


def _own_words(words: Sequence[str]) -> list[str]:
    own: list[str] = []
    for word in words:
        if own[-1:] != ["--attach"] and (not word.startswith("-") or word == "--"):
            break
        own.append(word)
    return own


def print_path(arguments: argparse.Namespace) -> int:
    """Print the folder that starts distrokit if it is first on PYTHONPATH; return the exit code."""
    print(FOLDER)
    return 0


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``distrokit run``."""
    parser.add_argument(
        "--add-cwd",
        action="store_true",
        help="put the working directory on PYTHONPATH, as opentelemetry-instrument does. Console scripts that find the"
        " application only there, such as django-admin, need it; python, gunicorn, uvicorn, flask and celery do not."
        " Files in the directory are then imported in place of libraries of the same name.",
    )
    parser.add_argument(
        "--attach",
        metavar="FOLDER",
        help="start distrokit from this folder of `distrokit build`, for a Python that has no distrokit",
    )


def run_parsed(arguments: argparse.Namespace) -> int:
    """Become the command ``arguments.elsewhere``; return as :func:`run`."""
    command: list[str] = arguments.elsewhere
    attach = arguments.attach and os.path.abspath(arguments.attach)  # noqa: PTH100  (a text)
    if attach and not find_root(attach):
        make = "Make one with `distrokit build --target FOLDER`."
        write(f"distrokit run: --attach {arguments.attach}: it is not a folder of `distrokit build`. {make}")
        return 2
    # An error here may cost telemetry or a message, but COMMAND still runs.
    with contextlib.suppress(Exception):
        _report_obstacle(command)
    return _become(command, _environ(attach or FOLDER, add_cwd=arguments.add_cwd))


def _report_obstacle(command: Sequence[str]) -> None:
    """Print why the launcher cannot reach COMMAND, if that is known."""
    if bundle := find_bundle(command):
        problem = bundle.problem()
        if problem is None:
            write(visible(f"distrokit run: {bundle.evidence}; it runs without telemetry unless its code starts it"))
        else:
            # Imported here, since few programs are bundles.
            from distrokit.launch.assembly import channel_for
            from distrokit.settings.environ import SAID, put
            from distrokit.settings.layers import Settings

            stderr = channel_for(Settings.from_environ())
            stderr.problems([problem])
            # The Python that starts COMMAND would print it again.
            put(SAID, ",".join(stderr.said) or None)
        return
    interpreter = interpreter_of(command)
    found = check_pythonpath(command) or (interpreter.check_flags() if interpreter else None)
    if found:
        write(visible(f"distrokit run: {found.evidence}; it runs without telemetry. {found.remedy}"))


def _environ(folder: str, *, add_cwd: bool) -> dict[str, str]:
    """Return the environment of COMMAND."""
    here = ""
    if add_cwd:
        try:
            here = os.getcwd()  # noqa: PTH109  (a text)
        except OSError as error:
            write(f"distrokit run: --add-cwd: there is no working directory: {error.strerror}")
    return launched_environ(folder, add_cwd=here)


def _become(command: list[str], environ: Mapping[str, str]) -> int:
    """Replace this process by the command; return the exit code if that fails."""
    # Python ignores these signals, and a program started by exec inherits that.
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
            # A script without a `#!` line is run by the shell, as execvp(3), `env` and shells do.
            os.execve("/bin/sh", ["/bin/sh", path, *command[1:]], environ)  # noqa: S606  (likewise)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        # ValueError: for an empty word.
        if shutil.which(command[0]) is None:
            _say(no_program(command[0]).evidence, command[0])
            return NOT_FOUND
        reason = "the program in its first line does not exist"
    except OSError as error:
        reason = error.strerror or str(error)
    _say(f"{command[0]} cannot be run: {reason}", command[0])
    return NOT_RUN


def _say(why: str, program: str) -> None:
    instead = with_python(program, "distrokit run ")
    write(visible(f"distrokit run: {why}" + (f". Write {instead}." if instead else "")))
