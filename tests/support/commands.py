"""The ``distrokit`` command in this process: what a plan says needs no interpreter of its own.

What a command does as a process (its exit code, its signals, what plugins on the path do to it) is tested in one, with
``distrokit`` of :mod:`processes`.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from processes import clean_environ

from distrokit.cli import main


def in_process(
    *arguments: str, env: Mapping[str, str] | None = None, path: Sequence[Path] = (), cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``distrokit`` with these arguments, in a clean environment with ``env``, with ``path`` as if on PYTHONPATH."""
    out, err = io.StringIO(), io.StringIO()
    streams = redirect_stdout(out), redirect_stderr(err)
    with _environment(clean_environ(env), cwd), _importable(path), _messages(), streams[0], streams[1]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@contextmanager
def _environment(environ: Mapping[str, str], cwd: Path | None) -> Iterator[None]:
    before, here = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update(environ)
    try:
        if cwd is not None:
            os.chdir(cwd)
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _importable(path: Sequence[Path]) -> Iterator[None]:
    """What is imported from there is forgotten at the end: the next test has modules of the same names."""
    folders = [str(folder) for folder in path]
    sys.path[1:1] = folders
    try:
        yield
    finally:
        for folder in folders:
            sys.path.remove(folder)
        for name, module in list(sys.modules.items()):
            if str(Path(getattr(module, "__file__", None) or "").parent) in folders:
                del sys.modules[name]


@contextmanager
def _messages() -> Iterator[None]:
    """What doctor puts on OpenTelemetry's logger has the level and the secrets of one environment."""
    logger = logging.getLogger("opentelemetry")
    before = logger.handlers[:], logger.propagate, logger.level
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate, level = before
        logger.setLevel(level)
