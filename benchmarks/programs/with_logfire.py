"""Runs a program under Logfire, which is started by code: ``PROGRAM [ARGUMENT …]``.

All is as Logfire has it by default, except that nothing goes to Logfire's own service, and nothing to the console.
"""

from __future__ import annotations

import runpy
import sys

import logfire  # type: ignore[import-not-found]  # only its own environment has it


def main() -> None:
    """Start Logfire; run the program in the place of this one."""
    logfire.configure(send_to_logfire=False, console=False)
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


main()
