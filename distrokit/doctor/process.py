"""The checks of the process: its ``sitecustomize``, forked workers, gevent."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from distrokit.declarations import Check
from distrokit.doctor.greenlets import check_gevent
from distrokit.launch.site import FOLDER
from distrokit.plan.plan import Plan

#: Servers that fork their workers; uvicorn and its like start new processes.
_PRE_FORK = ("gunicorn", "uwsgi", "celery")


def check_process(plan: Plan, argv: Sequence[str] | None = None) -> Iterator[Check]:
    """Run the checks of this process.

    Args:
        argv: its command line; ``None`` for this process's own.
    """
    words = list(sys.orig_argv if argv is None else argv)
    yield Check("interpreter", "ok", f"Python {sys.version.split()[0]}, {sys.executable}")
    yield _sitecustomize()
    other_transport = _remedy_for_grpcio(plan)
    yield _pre_fork(words, other_transport)
    yield from check_gevent(words, plan, other_transport)


def _sitecustomize() -> Check:
    """Check which ``sitecustomize`` runs: Python imports only one, and distrokit's runs the user's as well."""
    # Not imported: that would import OpenTelemetry, which raises on a wrong OTEL_PROPAGATORS.
    found = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    launcher = Path(str(found.origin if found else "")).parent.resolve()
    ours = Path(FOLDER).resolve()
    standing = Path(str(getattr(sys.modules.get("sitecustomize"), "__file__", None))).resolve().parent
    folders = [Path(entry or ".") for entry in sys.path]
    there = list(dict.fromkeys(f.resolve() for f in folders if (f / "sitecustomize.py").is_file()))
    # Not counted: the guard of `distrokit doctor -- COMMAND`, and the one that Linux distributions put beside the
    # standard library, for crash reports.
    guard = (Path(__file__).parent.parent / "cli" / "guard").resolve()
    there = [folder for folder in there if folder != guard]
    own = [f for f in there if f not in (launcher, ours, Path(sysconfig.get_path("stdlib")).resolve())]
    by_ours = ours in (*there[:1], standing)
    launched = launcher in there and not by_ours
    how = "distrokit's runs first" if by_ours else "OpenTelemetry's runs first" if launched else ""
    if not own:
        how = how or "opentelemetry-instrument puts its own first"
        return Check("sitecustomize", "ok", f"no other sitecustomize is on the path; {how}")
    first = there[0]
    if launched and first != launcher:
        evidence = (
            f"{first / 'sitecustomize.py'} comes before OpenTelemetry's, which runs only if the first one imports it"
        )
        return Check("sitecustomize", "fail", evidence, f"Put {launcher} first on PYTHONPATH.")
    when = f"{how}, and then it" if how else "a launcher's own runs first, and then it"
    return Check("sitecustomize", "ok", f"{own[0] / 'sitecustomize.py'} is on the path; {when}")


def _pre_fork(words: Sequence[str], other_transport: str) -> Check:
    server = _find_server(words)
    if not server:
        return Check("pre-fork", "ok", "no server that forks its workers is on the command line")
    evidence = (
        f"{server} forks its workers after OpenTelemetry has started; each worker gets new processors and exporters"
    )
    if other_transport:
        return Check("pre-fork", "warn", f"{evidence}, and grpcio does not support forks", other_transport)
    return Check("pre-fork", "ok", evidence)


def _find_server(words: Sequence[str]) -> str:
    """Return the pre-forking server that is the program, or the module after ``-m``; empty for none."""
    programs = [os.path.basename(word) for word in words[:2]]
    programs += [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-m"]
    return next((program for program in programs if program in _PRE_FORK), "")


def _remedy_for_grpcio(plan: Plan) -> str:
    """Return the line that replaces grpcio by the default transport; empty if nothing is sent by grpcio."""
    exporters = [item.exporter for planned in plan.signals.values() for item in planned.exporters]
    sources = [one.parameters["transport"].source for one in exporters if one.arguments.get("transport") == "grpcio"]
    if not sources:
        return ""
    return f"Remove {sources[0]}." if sources[0].kind == "file" else f"unset {sources[0]}"
