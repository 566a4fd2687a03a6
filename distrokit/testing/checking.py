"""Checks a plugin against the rules for plugins, in one line of a test."""

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
    """Check a plugin against all rules for plugins; ``docs/testing.md`` lists them.

    The module is imported by name in a separate process, so a plugin that hangs or exits fails one test only.
    Nothing is sent: exporters are built and shut down. A factory that needs a setting may fail if its message names
    the setting; pass the setting in ``environ`` to have it built.

    A plugin that cannot be imported by name, such as an object, is checked in this process and not built; a warning
    reports this. Another warning names transforms that dropped every item, because they may be filters.

    Args:
        module: the plugin: the module that its entry point names.
        name: of the plugin; ``None``: the name of the entry point that names the module, or else a name from the
            module's, as in :func:`~distrokit.testing.planned`.
        environ: the settings it needs.
        timeout_seconds: of one process; a forked child may take a quarter of it. Each stage that does not finish
            costs one more process.

    Raises:
        AssertionError: with every finding and its remedy.
        ValueError: no name is given, and the plugin is not a module.
    """
    name = name or _name_of(module)
    settings = dict(environ or {})
    notes: list[str] = []
    findings = (
        _run_stages(module, name, settings, timeout_seconds, notes) if isinstance(module, types.ModuleType) else None
    )
    if findings is None:
        warnings.warn(
            f"plugin {name} cannot be imported by name in another process: it is not built or forked, and not checked "
            "for heavy imports and secrets. Pass an importable module to check_plugin.",
            stacklevel=2,
        )
        steps = (declaring.check_alone, declaring.check_with_installed, tools.check_tools)
        findings = [text for step in steps for text in step(name, module, settings)]
    unique = list(dict.fromkeys(findings))
    if unique:
        count = "1 finding" if len(unique) == 1 else f"{len(unique)} findings"
        raise AssertionError("\n- ".join([f"plugin {name}: {count}", *unique]))
    for note in dict.fromkeys(notes):
        warnings.warn(f"plugin {name}: {note}", stacklevel=2)


def _run_stages(
    module: types.ModuleType, name: str, environ: dict[str, str], timeout_seconds: float, notes: list[str]
) -> list[str] | None:
    """Run all stages and return the findings; ``None`` if another process cannot find the module.

    Possible filters are appended to ``notes``.
    """
    findings: list[str] = []
    stages: list[Stage] = list(STAGES)
    try:
        secrets = canaries.secrets_of(name, module, environ)
    except Exception:
        # The stages report what is wrong with it.
        secrets = {}
    while stages:
        with tempfile.TemporaryDirectory(prefix="distrokit-") as folder:
            report = str(Path(folder, "report"))
            path = [entry or str(Path.cwd()) for entry in sys.path]
            file = getattr(module, "__file__", None) or ""
            request = Request(module.__name__, file, name, environ, path, stages, report, secrets, timeout_seconds / 4)
            # Settings may be secrets, and every user can read a command line.
            request_file = Path(folder, "request")
            request_file.touch(mode=0o600)
            request_file.write_text(json.dumps(asdict(request)), encoding="utf-8")
            command = [sys.executable, "-m", conformance.__name__, str(request_file)]
            result = run_bounded(command, {**without_telemetry(), **environ}, Path.cwd(), timeout_seconds)
            lines = read_report(Path(report))
        kinds = [kind for _, kind, _ in lines]
        if "absent" in kinds:
            return None
        findings += [text for _, kind, text in lines if kind in ("finding", "unusable")]
        notes += [text for _, kind, text in lines if kind == "note"]
        findings += canaries.find_secrets(secrets, "the output", result[1] + result[2])
        stopped: Stage | None = next((stage for stage in stages if (stage, "done", stage) not in lines), None)
        if stopped is None or "unusable" in kinds:
            break
        # Run the remaining stages in another process.
        doing = [text for stage, kind, text in lines if (stage, kind) == (stopped, "doing")]
        findings.append(_describe_unfinished(doing, *result))
        stages = [stage for stage in stages if STAGES.index(stage) > STAGES.index(stopped)]
    return findings


def _name_of(module: object) -> str:
    """Return the name under which it is installed, so that it is not planned twice; else a name from the module's."""
    name = getattr(module, "__name__", "")
    points = [point for point in EntryPoints.scan().group(PROJECT) if name and point.value == name]
    return points[0].name if points else name_of(module)


def _describe_unfinished(doing: list[str], returncode: int | None, stdout: str, stderr: str) -> str:
    """Describe a stage that did not finish, because its process hung or exited."""
    how = "it hung and was killed" if returncode is None else f"the process ended with exit code {returncode}"
    last = (stderr or stdout).strip().splitlines()[-1:]
    return f"{how} while {doing[-1] if doing else 'starting'}; the rest of this stage was not checked. " + (
        f"Last output: {last[0]}" if last else "There was no output."
    )
