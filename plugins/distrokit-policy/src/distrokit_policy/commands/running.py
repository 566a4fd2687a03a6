"""Runs the commands of ``distrokit policy``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def run(arguments: argparse.Namespace) -> int:
    """Run a command; return its exit code."""
    from distrokit_policy.commands import conform, show, trial, validate

    commands = {"validate": validate.run, "show": show.run, "try": trial.run, "conform": conform.run}
    return commands[arguments.policy_command](arguments)


def write(text: str) -> None:
    """Print a line on standard output, whatever its encoding is."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(f"{_visible(text)}\n".encode(encoding, "backslashreplace").decode(encoding))


def write_json(data: Any) -> None:
    """Print data as JSON."""
    write(json.dumps(data, indent=2))


def say(command: str, text: str) -> None:
    """Print a line on standard error."""
    line = f"distrokit policy {command}: {_visible(text)}\n"
    sys.stderr.write(line.encode("utf-8", "backslashreplace").decode())


def _visible(text: str) -> str:
    """Return a text without control characters, which a policy may have in its id, and which a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
