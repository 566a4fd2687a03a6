"""Whether a plugin keeps what plugins promise, in one line of a test."""

from __future__ import annotations

import json
import sys
import tempfile
import types
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from distrokit.hookspecs import PROJECT
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.environ import without_telemetry
from distrokit.testing import conformance
from distrokit.testing.conformance import canaries, declaring, tools
from distrokit.testing.conformance.report import STAGES, Request, Stage, read_report
from distrokit.testing.planning import name_of
from distrokit.testing.running import run_bounded


def check_plugin(
    module: object,
    name: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    timeout_seconds: float = 60,
) -> None:
    """Look at everything that a plugin promises by being one; ``docs/testing.md`` has the list.

    The module is imported by its name in a process of its own, so that a plugin that hangs, or ends the process, costs
    a test and not the test run. Nothing is sent: exporters are built and shut down. A factory that needs a setting may
    fail as long as its message names the setting; give it in ``environ`` to have it built.

    What cannot be imported by name, such as an object, is looked at in this process, without being built, and a
    warning says so. A warning says as well which transform gave nothing on, for it may be a filter.

    Args:
        module: the plugin: the module that its entry point names.
        name: of the plugin; ``None`` for that of the entry point that names the module, and where none does for the
            module's own, as :func:`~distrokit.testing.planned` has it.
        environ: the settings it needs.
        timeout_seconds: of one process, of which a forked child may take a quarter; there are as many more processes
            as stages that did not end.

    Raises:
        AssertionError: with every finding, and what to do about it.
        ValueError: no name is given, and the plugin is no module.
    """
    name = name or _name_of(module)
    given = dict(environ or {})
    notes: list[str] = []
    findings = _looked_at(module, name, given, timeout_seconds, notes) if isinstance(module, types.ModuleType) else None
    if findings is None:
        warnings.warn(
            f"plugin {name} cannot be imported by name in another process: it is not built, forked, or looked at for "
            "heavy imports and secrets. Give check_plugin an importable module.",
            stacklevel=2,
        )
        looks = (declaring.alone, declaring.beside, tools.added)
        findings = [text for look in looks for text in look(name, module, given)]
    found = list(dict.fromkeys(findings))
    if found:
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        raise AssertionError("\n- ".join([f"plugin {name}: {count}", *found]))
    for note in dict.fromkeys(notes):
        warnings.warn(f"plugin {name}: {note}", stacklevel=2)


def _looked_at(
    module: types.ModuleType, name: str, environ: dict[str, str], timeout_seconds: float, notes: list[str]
) -> list[str] | None:
    """Every finding; ``None`` when another process does not find the module. What may be meant goes to ``notes``."""
    findings: list[str] = []
    stages: list[Stage] = list(STAGES)
    try:
        secrets = canaries.secrets_of(name, module, environ)
    except Exception:
        # What is wrong with it is found there.
        secrets = {}
    while stages:
        with tempfile.TemporaryDirectory(prefix="distrokit-") as folder:
            report = str(Path(folder, "report"))
            path = [entry or str(Path.cwd()) for entry in sys.path]
            file = getattr(module, "__file__", None) or ""
            request = Request(module.__name__, file, name, environ, path, stages, report, secrets, timeout_seconds / 4)
            # What it is given may be a secret, and a command line is everybody's to read.
            asked = Path(folder, "request")
            asked.touch(mode=0o600)
            asked.write_text(json.dumps(asdict(request)), encoding="utf-8")
            command = [sys.executable, "-m", conformance.__name__, str(asked)]
            ended = run_bounded(command, {**without_telemetry(), **environ}, Path.cwd(), timeout_seconds)
            said = read_report(Path(report))
        kinds = [kind for _, kind, _ in said]
        if "absent" in kinds:
            return None
        findings += [text for _, kind, text in said if kind in ("finding", "unusable")]
        notes += [text for _, kind, text in said if kind == "note"]
        findings += canaries.printed(secrets, "what is printed", ended[1] + ended[2])
        stopped: Stage | None = next((stage for stage in stages if (stage, "done", stage) not in said), None)
        if stopped is None or "unusable" in kinds:
            break
        # What follows may still be looked at, in another process.
        doing = [text for stage, kind, text in said if (stage, kind) == (stopped, "doing")]
        findings.append(_unfinished(doing, *ended))
        stages = [stage for stage in stages if STAGES.index(stage) > STAGES.index(stopped)]
    return findings


def _name_of(module: object) -> str:
    """What it is installed as; that one is not another plugin of the same kind beside it."""
    name = getattr(module, "__name__", "")
    points = [point for point in EntryPoints.scan().group(PROJECT) if name and point.value == name]
    return points[0].name if points else name_of(module)


def _unfinished(doing: list[str], returncode: int | None, stdout: str, stderr: str) -> str:
    """A stage that did not come to its end: its process hung, or was ended."""
    how = "it hung and was killed" if returncode is None else f"the process ended with exit code {returncode}"
    last = (stderr or stdout).strip().splitlines()[-1:]
    return f"{how} while {doing[-1] if doing else 'starting'}; what follows in this stage was not looked at. " + (
        f"It said last: {last[0]}" if last else "It said nothing."
    )
