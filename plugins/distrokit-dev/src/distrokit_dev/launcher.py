"""Where ``opentelemetry-instrument`` is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAME = "opentelemetry-instrument"


def launcher() -> str | None:
    """The launcher of this very environment, or the first on ``PATH``; ``None`` when there is none."""
    beside = Path(sys.executable).with_name(NAME)
    return str(beside) if beside.exists() else shutil.which(NAME)
