"""The ``sitecustomize`` of ``distrokit doctor -- COMMAND``: the first Python in COMMAND runs the checks and ends.

A Python without distrokit, or one that fails, reports that and ends as well, before the application's own code runs.
Any Python may run this file: it uses syntax that all versions read, and imports only the standard library until
distrokit is found.
"""

import os
import sys

#: Python programs that start another Python; that one runs the checks.
RUNNERS = (
    "conda",
    "distrokit",
    "hatch",
    "mamba",
    "nox",
    "opentelemetry-instrument",
    "pdm",
    "pipenv",
    "pipx",
    "poetry",
    "tox",
)
#: The exit code of a Python that cannot answer; its last output is the reason.
CANNOT = 70


def _program():
    argv = getattr(sys, "orig_argv", [])
    words = [word for word in argv[1:] if not word.startswith("-")]
    if not words:
        return ""
    # A runner is started as a program or by -m; a script given by its path may have any name.
    by_name = os.path.dirname(words[0]) != "" and os.access(words[0], os.X_OK)
    return os.path.basename(words[0]) if by_name or "-m" in argv[: argv.index(words[0])] else ""


def _guard(asked):
    import json
    from importlib.util import find_spec

    here = os.path.dirname(os.path.abspath(__file__))
    try:
        launcher = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    except ImportError:
        launcher = None
    if launcher is None or find_spec("distrokit") is None:
        path = json.loads(asked)[1]
        with open(path + ".part", "w") as file:
            json.dump({"without": sys.executable}, file)
        os.rename(path + ".part", path)
        os._exit(0)
    # Put the launcher's own folder in this one's place.
    own = os.path.join(os.path.dirname(os.path.dirname(here)), "launch", "site")
    if own not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        own = os.path.dirname(str(launcher.origin))
    sys.path[:] = [own if entry == here else entry for entry in sys.path]
    _answer(asked)


def answer_attached(asked):
    """Answer in a process that a folder of ``distrokit build`` is attached to; return in a runner.

    Args:
        asked: the request, see :func:`distrokit.cli.target_process.answer`.
    """
    if _program() not in RUNNERS:
        try:
            _answer(asked)
        except BaseException:
            _fail()


def _answer(asked):
    from distrokit.cli import main
    from distrokit.cli.target_process import answer

    answer(asked, main)


def _fail():
    # Python would print the error and go on into the application.
    error = sys.exc_info()[1]
    sys.stderr.write("%s cannot run distrokit: %s: %s\n" % (sys.executable, type(error).__name__, error))
    sys.stderr.flush()
    os._exit(CANNOT)


# Imported by its full name it only provides functions.
if __name__ == "sitecustomize" and os.environ.get("_DISTROKIT_ASKED") and _program() not in RUNNERS:
    try:
        _guard(os.environ["_DISTROKIT_ASKED"])
    except BaseException:
        _fail()
    os._exit(CANNOT)
