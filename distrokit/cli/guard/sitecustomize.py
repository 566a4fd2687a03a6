"""Stands first on PYTHONPATH while ``distrokit doctor -- COMMAND`` asks: the first Python in COMMAND answers, and ends.

Where that Python has no distrokit, it says so and ends as well, before the application's own code runs. Nothing but the
standard library is imported until that is known: this is run by whatever Python there is.
"""

import os
import sys

#: Python programs that start another Python, which is the one that counts.
RUNNERS = ("conda", "hatch", "mamba", "nox", "opentelemetry-instrument", "pdm", "pipenv", "pipx", "poetry", "tox")


def _program() -> str:
    words = [word for word in getattr(sys, "orig_argv", [])[1:] if not word.startswith("-")]
    return os.path.basename(words[0]) if words else ""


def _guard(asked: str) -> None:
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
    # From here on it is as if the launcher's own stood here.
    own = os.path.dirname(str(launcher.origin))
    sys.path[:] = [own if entry == here else entry for entry in sys.path]
    from distrokit.cli import main
    from distrokit.cli.elsewhere import answer

    answer(asked, main)


# Under its other name it is only looked up.
if __name__ == "sitecustomize" and os.environ.get("_DISTROKIT_ASKED") and _program() not in RUNNERS:
    _guard(os.environ["_DISTROKIT_ASKED"])
