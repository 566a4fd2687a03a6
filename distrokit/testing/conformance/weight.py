"""Finds heavy imports: every process with the plugin would pay for them, even one without telemetry."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

#: Packages that declaring and planning must not import.
HEAVY = ("opentelemetry.sdk", "grpc", "google.protobuf", "requests")


class ImportWatch:
    """A finder at the front of ``sys.meta_path`` that finds nothing and records heavy imports.

    Args:
        file: the plugin's; a line in its folder is preferred to one in a library.

    Attributes:
        seen: heavy packages, with the line of code that imported each first.
    """

    def __init__(self, file: str) -> None:
        self._folder = str(Path(file).parent / "_")[:-1]
        self.seen: dict[str, str] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Record a heavy import; called by the import system."""
        heavy = next((each for each in HEAVY if name == each or name.startswith(f"{each}.")), None)
        if heavy is not None and heavy not in self.seen:
            self.seen[heavy] = self._importer()

    def take(self) -> dict[str, str]:
        """Return the heavy packages imported since the last call."""
        seen = {heavy: where for heavy, where in self.seen.items() if heavy in sys.modules}
        self.seen.clear()
        return seen

    def _importer(self) -> str:
        """Return the innermost line of the plugin; else the innermost one outside the import system."""
        frames = [f for f in reversed(traceback.extract_stack()) if not f.filename.startswith(("<frozen", __file__))]
        own = [frame for frame in frames if frame.filename.startswith(self._folder)]
        return next((f"{frame.filename}:{frame.lineno}" for frame in [*own, *frames]), "an unknown place")
