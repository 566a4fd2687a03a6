"""A file for each process that says how it is: for support, where nobody can type a command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from azure_example.settings import STATUS
from distrokit import Problem

if TYPE_CHECKING:
    from distrokit import Pipeline


def write(pipeline: Pipeline, state: str) -> None:
    """Write it anew, if there is to be one; readable for its owner only."""
    directory = pipeline.plan.settings.get(STATUS)
    if not directory:
        return
    plan = pipeline.plan
    content = {
        "pid": os.getpid(),
        "state": state,
        "distro": plan.distro.label,
        "exporters": {signal: [item.exporter.name for item in s.exporters] for signal, s in plan.signals.items()},
        "problems": [str(problem) for problem in plan.problems],
    }
    path = Path(directory) / f"azure-example-{os.getpid()}.json"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123  # a descriptor
            json.dump(content, file)
    except OSError as error:
        pipeline.report(
            Problem(
                code="azure-status",
                subject=f"{STATUS}={directory}",
                cause=str(error.strerror),
                outcome="no status file is written",
                remedy="Name a directory that can be written to, or unset it.",
                severity="warning",
            )
        )
