"""Who imports what is heavy: every process with this plugin would pay for it, those without telemetry as well."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

#: What declaring and planning do without.
HEAVY = ("opentelemetry.sdk", "grpc", "google.protobuf", "requests")


class Watch:
    """Finds nothing, and sees who looks. Put in front of ``sys.meta_path``.

    Args:
        file: the plugin's; a line in its folder says more than one in a library.

    Attributes:
        seen: what is heavy, and the line of code that imported it first.
    """

    def __init__(self, file: str) -> None:
        self._folder = str(Path(file).parent / "_")[:-1]
        self.seen: dict[str, str] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """As the import system calls it."""
        heavy = next((each for each in HEAVY if name == each or name.startswith(f"{each}.")), None)
        if heavy is not None and heavy not in self.seen:
            self.seen[heavy] = self._importer()

    def taken(self) -> dict[str, str]:
        """What was seen since the last time, and is really there."""
        seen = {heavy: where for heavy, where in self.seen.items() if heavy in sys.modules}
        self.seen.clear()
        return seen

    def _importer(self) -> str:
        """The innermost line of the plugin's; else the innermost one that is not the import system's."""
        frames = [f for f in reversed(traceback.extract_stack()) if not f.filename.startswith(("<frozen", __file__))]
        own = [frame for frame in frames if frame.filename.startswith(self._folder)]
        return next((f"{frame.filename}:{frame.lineno}" for frame in [*own, *frames]), "an unknown place")
