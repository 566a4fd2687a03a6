"""Lists of names and patterns in settings: ``/healthz,/internal/*``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate


def parse_globs(text: str) -> tuple[str, ...]:
    """Split a list of patterns at its commas.

    Raises:
        ValueError: a pattern matches everything.
    """
    globs = tuple(glob.strip() for glob in text.split(",") if glob.strip())
    everything = [glob for glob in globs if not glob.strip("*?")]
    if everything:
        raise ValueError(f"{everything[0]!r} matches everything", "Name what is meant.")
    return globs


def match_globs(globs: Sequence[str]) -> Callable[[str], object]:
    """Return a function that is true for a name that a pattern matches; ``*`` matches slashes and dots, too."""
    if not globs:
        return lambda name: False
    return re.compile("|".join(map(translate, globs))).match
