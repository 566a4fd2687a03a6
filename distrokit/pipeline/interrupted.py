"""Ctrl-C stays the cause of the end, whatever is done at the end."""

from __future__ import annotations

import sys
from contextlib import suppress


def keep_cause() -> None:
    """At exit: where a ``KeyboardInterrupt`` has ended the program, have Python end by SIGINT, as it would have.

    Python notes that when the program ends, and forgets it with the next ``exec`` of a text; most modules that are
    imported at exit, such as a transport's, have one (``namedtuple``). Shells go by it: a loop ends with its command.
    """
    # Not where it was survived: an interactive Python has it there, too, and a library's shell has frames of its own.
    traceback = getattr(sys, "last_traceback", None)
    ended = getattr(sys, "last_type", None) is KeyboardInterrupt and not hasattr(sys, "ps1")
    if ended and traceback is not None and traceback.tb_frame.f_back is None:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102  # the only way to have it noted once more
