"""The checking process's report: each line is written at once, so that none is lost if the process dies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Stage = Literal["declaring", "building", "secrets"]
STAGES: tuple[Stage, ...] = ("declaring", "building", "secrets")


@dataclass(frozen=True)
class Request:
    """The input of the checking process.

    Attributes:
        module: name of the plugin's module.
        file: its file; a module of this name from another file is a different one.
        name: of the plugin.
        environ: its settings.
        path: ``sys.path``.
        stages: the stages to run, of :data:`STAGES`.
        report: the file to write to.
        secrets: settings with texts that must not appear anywhere.
        child_seconds: timeout of a forked child.
    """

    module: str
    file: str
    name: str
    environ: dict[str, str]
    path: list[str]
    stages: list[Stage]
    report: str
    secrets: dict[str, str] = field(default_factory=dict)
    child_seconds: float = 15.0


class ConformanceReport:
    """Writes the report line by line.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.stage: str = ""

    def doing(self, what: str) -> None:
        """Note the current action; if the process dies, this is where."""
        self._write("doing", what)

    def findings(self, texts: Iterable[str]) -> None:
        """Report findings."""
        for text in texts:
            self._write("finding", text)

    def note(self, text: str) -> None:
        """Report something that may be intended."""
        self._write("note", text)

    def done(self) -> None:
        """Note that the stage is finished."""
        self._write("done", self.stage)

    def unusable(self, text: str) -> None:
        """Report that the module cannot be imported; no stage can run."""
        self._write("unusable", text)

    def absent(self) -> None:
        """Report that this process does not find the module."""
        self._write("absent", "")

    def _write(self, kind: str, text: str) -> None:
        line = json.dumps({"stage": self.stage, "kind": kind, "text": text}) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def read_report(path: Path) -> list[tuple[str, str, str]]:
    """Return stage, kind and text of each line."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(line["stage"], line["kind"], line["text"]) for line in map(json.loads, lines)]
