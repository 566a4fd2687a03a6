"""``distrokit freeze``: what discovery found, into a file that a container image can carry."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from distrokit import instrumentation
from distrokit.declarations import Command
from distrokit.diagnostics import quantity, write
from distrokit.frozen import SETTING, frozen
from distrokit.launch.startup import Assembly
from distrokit.plan.plan import InstrumentationPlan, Plan
from distrokit.plugins.entry_points import EntryPoints

#: What of the plan's problems is about what was found, and not about the settings of the moment.
_ABOUT = ("plugin-", "distro-", "name-taken")


def _arguments(parser: argparse.ArgumentParser) -> None:
    text = f"write it there, for {SETTING}=FILE; without it, print it"
    parser.add_argument("-o", "--output", metavar="FILE", help=text)


def _run(arguments: argparse.Namespace) -> int:
    # Anew: this process may have been given a frozen file itself.
    installed = EntryPoints.scan()
    assembly = Assembly(installed=installed, plan_when_disabled=True)
    content = contents(assembly.plan, installed)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    assembly.channel.problems(problem for problem in assembly.plan.problems if problem.code.startswith(_ABOUT))
    if arguments.output is None:
        print(text, end="")
        return 0
    path = Path(arguments.output).absolute()
    try:
        _put(path, text)
    except OSError as error:
        write(f"distrokit freeze: {path} cannot be written: {error.strerror}. Name a file that can be.")
        return 1
    loaded = sum(plugin["status"] == "loaded" for plugin in content["plugins"])
    applied = sum(item["applies"] for item in content["instrumentations"].values())
    counts = f"{quantity(loaded, 'plugin')}, {quantity(applied, 'instrumentation')}"
    print(f"wrote {path}: {counts}; use it with {SETTING}={path}")
    return 0


def contents(plan: Plan, installed: EntryPoints) -> dict[str, Any]:
    """The file's content: for the process, and, from ``distro`` on, for people."""
    points = [item.point for item in plan.instrumentations.values() if item.point is not None]
    conflicts = dict(_conflicts(points))
    described = plan.describe()
    shown = ("name", "distribution", "version", "status", "cause")
    return {
        **frozen(installed, conflicts),
        "distro": described["distro"],
        "plugins": [{key: plugin[key] for key in shown} for plugin in described["plugins"]],
        "chosen": _chosen(plan),
        "instrumentations": {
            name: _instrumentation(item, conflicts.get(item.point.value, "") if item.point else "")
            for name, item in plan.instrumentations.items()
        },
    }


def _conflicts(points: Iterable[EntryPoint]) -> Iterator[tuple[str, str]]:
    for point in points:
        # What cannot be told now is looked up at each start, as without the file.
        with suppress(Exception):
            yield point.value, instrumentation.conflict(point)


def _chosen(plan: Plan) -> dict[str, str | None]:
    """Each declaration that these settings choose, and its plugin."""
    found: dict[str, str | None] = {
        "sampler": f"{plan.sampler.name} ({plan.sampler.plugin})" if plan.sampler else None,
        "id generator": f"{plan.id_generator.name} ({plan.id_generator.plugin})" if plan.id_generator else None,
    }
    for propagator in plan.propagators or ():
        found[f"propagator {propagator.name}"] = propagator.plugin
    for signal, planned in plan.signals.items():
        for processor in planned.processors:
            found[f"{signal} {processor.declaration.stage} {processor.name}"] = processor.plugin
        for item in planned.exporters:
            found[f"{signal} exporter {item.exporter.name}"] = item.exporter.plugin
            if item.processor is not None:
                found[f"{signal} {item.exporter.name} fed by {item.processor.name}"] = item.processor.plugin
    return found


def _instrumentation(item: InstrumentationPlan, conflict: str) -> dict[str, Any]:
    dist = item.point.dist if item.point else None
    triggers = [text for text in (dist.requires or () if dist else ()) if "extra ==" in text and "instruments" in text]
    return {
        "distribution": f"{item.distribution} {item.version}".strip(),
        "applies": item.enabled and not conflict,
        "why": item.why or conflict,
        # The libraries that it is for, as its package declares them.
        "triggers": [text.partition(";")[0].strip() for text in triggers],
    }


def _put(path: Path, text: str) -> None:
    """All or nothing: a process that starts meanwhile never reads half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp's file is the owner's alone, and the process that reads it may be another user's.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


FREEZE = Command(
    "freeze", "write what is installed into a file, so that processes need not look for it", _run, _arguments
)
