"""The ``distrokit`` command in this process: what a plan says needs no interpreter of its own.

What a command does as a process (its exit code, its signals, what plugins on the path do to it) is tested in one, with
``distrokit`` of :mod:`processes`.
"""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout

from processes import clean_environ

from distrokit.cli import main


def command(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``distrokit`` with these arguments, in a clean environment with ``env``."""
    out, err = io.StringIO(), io.StringIO()
    before, environ = dict(os.environ), clean_environ(env)
    try:
        os.environ.clear()
        os.environ.update(environ)
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os.environ.clear()
        os.environ.update(before)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
