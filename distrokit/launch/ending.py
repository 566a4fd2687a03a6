"""The end of a process whose start has problems, under ``DISTROKIT_STRICT``."""

from __future__ import annotations

import os
import sys

from distrokit.diagnostics import StrictError, write


def end_process(error: StrictError, *, started: bool) -> None:
    """End the process before the application starts, under ``DISTROKIT_STRICT=1``.

    If the application has started already, it goes on: a distro's default was not known before.
    An exit raised inside ``sitecustomize`` would print "Fatal Python error" and a traceback, so the process is ended at
    once there. If a program called the loader itself, the error is raised.
    """
    count = len(error.problems)
    outcome = "the application is not started"
    if started:
        remedy = "Declare the strict distro in the entry-point group distrokit.eager."
        outcome = f"the application runs already, and goes on. {remedy}"
    write(
        f"distrokit: DISTROKIT_STRICT is set and there {'is 1 problem' if count == 1 else f'are {count} problems'}"
        f"; {outcome}"
    )
    if started:
        return
    if not hasattr(sys.modules.get("__main__"), "__file__"):
        sys.stdout.flush()
        os._exit(int(error.code or 1))
    raise error
