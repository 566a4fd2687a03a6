"""What the looking process tells the one that waits for it: a line at once, so that nothing is lost when it ends."""

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
    """What is to be looked at.

    Attributes:
        module: its name.
        file: where it comes from; another one of this name is another one.
        name: of the plugin.
        environ: settings it is given.
        path: ``sys.path``.
        stages: of :data:`STAGES`, those to do.
        report: the file to write to.
        secrets: settings with the texts that must not be seen.
        child_seconds: in which a forked child has to end.
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


class Report:
    """Written line by line.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.stage: str = ""

    def doing(self, what: str) -> None:
        """What is begun now: it is what did not end, if nothing follows."""
        self._write("doing", what)

    def findings(self, texts: Iterable[str]) -> None:
        """What is wrong."""
        for text in texts:
            self._write("finding", text)

    def note(self, text: str) -> None:
        """What may be meant."""
        self._write("note", text)

    def done(self) -> None:
        """The stage has ended."""
        self._write("done", self.stage)

    def unusable(self, text: str) -> None:
        """It cannot be imported, and there is nothing more to look at."""
        self._write("unusable", text)

    def absent(self) -> None:
        """There is no such module in a process of its own."""
        self._write("absent", "")

    def _write(self, kind: str, text: str) -> None:
        line = json.dumps({"stage": self.stage, "kind": kind, "text": text}) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def read_report(path: Path) -> list[tuple[str, str, str]]:
    """Stage, kind and text of each line."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(said["stage"], said["kind"], said["text"]) for said in map(json.loads, lines)]
