"""The arguments of ``distrokit policy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

_EXIT_CODES = " exit codes: 0 all is well; 1 something is wrong with the policies; 2 a file cannot be read"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="policy_command")

    text = "check files of policies, and name each fault with line and column"
    validate = commands.add_parser("validate", help=text, description=text, epilog=_EXIT_CODES)
    validate.add_argument("files", metavar="FILE", nargs="+", help="a file in YAML or JSON, or a folder of such files")

    text = "show the policies in effect, or what they do in a running process"
    show = commands.add_parser("show", help=text, description=text)
    show.add_argument(
        "--live", metavar="PID", type=int, help="ask a process of yours for the hits and misses of each policy"
    )

    text = "show what becomes of items in OTLP/JSON, and by which policy"
    attempt = commands.add_parser("try", help=text, description=text, epilog=_EXIT_CODES)
    attempt.add_argument("policies", metavar="FILE", help="policies: a file, or a folder of files")
    attempt.add_argument("input", metavar="INPUT", help="a request in OTLP/JSON; - for standard input")

    text = "run cases in the form of the public conformance suite"
    conform = commands.add_parser("conform", help=text, description=text, epilog=_EXIT_CODES)
    conform.add_argument("folder", metavar="FOLDER", help="has a folder for each case")
    for each in (validate, show, attempt, conform):
        each.add_argument("--json", action="store_true", help="print JSON")
