"""Arguments and warnings that the commands of the benchmarks share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def parse_count(word: str) -> int:
    """Return a number from 1. Raises ``argparse.ArgumentTypeError``."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number from 1")
    return int(word)


def check_json(parser: argparse.ArgumentParser, file: Path | None) -> None:
    """End the command with a message if the file of ``--json`` cannot be written."""
    if file and not file.absolute().parent.is_dir():
        parser.error(f"--json: there is no folder {file.parent}")


def warn_if_busy(about: Mapping[str, Any], what: str, log: Callable[[str], None]) -> None:
    """Log a line if the machine has other work.

    Args:
        about: the circumstances, with the load.
        what: the numbers that will be wrong.
    """
    if float(about["load"]) > (os.cpu_count() or 1) / 2:
        log(f"the machine is busy (load {about['load']}): {what} will be too high and their ratios uncertain")
