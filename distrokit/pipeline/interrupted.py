"""Makes a process that Ctrl-C ended exit by SIGINT, even if other code runs at exit."""

from __future__ import annotations

import sys
from contextlib import suppress


def keep_cause() -> None:
    """Make Python end by SIGINT if a ``KeyboardInterrupt`` ended the program; call it at exit.

    Python records this when the program ends, and the next ``exec`` of source text clears it. Most modules that are
    imported at exit, such as a transport's, run one (``namedtuple``). Shells depend on it: SIGINT ends a loop, too.
    """
    # Excludes shells that survive it: an interactive Python sets these, too, and a library's shell has more frames.
    traceback = getattr(sys, "last_traceback", None)
    ended = getattr(sys, "last_type", None) is KeyboardInterrupt and not hasattr(sys, "ps1")
    if ended and traceback is not None and traceback.tb_frame.f_back is None:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102  # the only way to record it again
