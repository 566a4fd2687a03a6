"""Finds ``opentelemetry-instrument``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAME = "opentelemetry-instrument"


def launcher() -> str | None:
    """Return the launcher of this environment, or the first on ``PATH``; ``None`` if there is none."""
    beside = Path(sys.executable).with_name(NAME)
    return str(beside) if beside.exists() else shutil.which(NAME)
