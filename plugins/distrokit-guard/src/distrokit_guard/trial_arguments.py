"""The arguments of ``distrokit guard test``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distrokit_guard.redaction.names import ACTIONS, KINDS

if TYPE_CHECKING:
    import argparse

_EPILOG = (
    "The rules are those of the settings in effect; an option takes the place of its setting. A FILE with requests in"
    " OTLP/JSON, one or one a line, is redacted as such, and any other FILE as one text, as the body of a log record"
    " would be. Standard output has the result, and standard error each place that was changed, with its rules."
    " exit codes: 0 nothing was found; 1 something was redacted; 2 FILE cannot be read, a rule is wrong, or there is"
    " none"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``test`` with its options."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="guard_command")
    text = "show what redaction makes of a text, or of items in OTLP/JSON"
    test = commands.add_parser("test", help=text, description=text, epilog=_EPILOG)
    test.add_argument("file", metavar="FILE", help="a file; - for standard input")
    test.add_argument("--redact", metavar="KINDS", help=f"of {', '.join(KINDS)}; or all")
    test.add_argument("--keys", metavar="PATTERNS", help="names or patterns of attributes: '*password*,enduser.id'")
    test.add_argument("--patterns-file", metavar="PATH", help="a file with patterns, one 'name: regex' a line")
    test.add_argument("--action", metavar="ACTION", help=f"one of {', '.join(ACTIONS)}")
    test.add_argument("--lines", action="store_true", help="each line is a text of its own")
    test.add_argument("--json", action="store_true", help="print result and places as one JSON document")
