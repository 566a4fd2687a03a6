"""The options of ``distrokit tail``. Read for every command of ``distrokit``, so nothing but argparse is imported."""

from __future__ import annotations

import argparse

SIGNALS = ("traces", "metrics", "logs")

#: Where an application with default settings sends: OTLP/gRPC and OTLP/HTTP.
GRPC_PORT, HTTP_PORT = 4317, 4318

EXAMPLES = """\
examples:
  distrokit tail                             receive on 4317 and 4318
  distrokit tail -- python app.py            run a program and show what it sends
  distrokit tail --errors --service 'shop*'  only what failed in these services
  distrokit tail --signal logs --name '*timeout*'
  distrokit tail --json -- python app.py | jq .name

SERVICE and NAME are shell patterns (* ? [abc]); they match a whole name, and
upper case is as good as lower case.

exit codes: the program's, else 0; 1 it cannot listen, 2 the command line is
wrong, 127 there is no such program
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be typed behind ``distrokit tail``."""
    parser.usage = "%(prog)s [options] [-- COMMAND ...]"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    shown = parser.add_argument_group("what is shown")
    shown.add_argument(
        "--service", action="append", default=[], help="only of services whose name matches; may be repeated"
    )
    shown.add_argument(
        "--name",
        action="append",
        default=[],
        help="only traces with a span, metrics and log bodies that match; may be repeated",
    )
    shown.add_argument(
        "--errors", action="store_true", help="only traces with an error, and log records of severity ERROR and above"
    )
    shown.add_argument(
        "--signal",
        action="extend",
        type=_signals,
        metavar="SIGNAL",
        help="only traces, metrics or logs; several by comma, or repeated",
    )
    shown.add_argument(
        "--json",
        action="store_true",
        help="a JSON object per line, as it arrives; a program's own output goes to stderr then",
    )
    received = parser.add_argument_group("where it is received")
    received.add_argument(
        "--host", default="127.0.0.1", help="IPv4 address or name to listen on (default: %(default)s)"
    )
    received.add_argument(
        "--grpc-port",
        type=_port,
        metavar="PORT",
        help=f"for OTLP over grpc; 0 is a free one (default: {GRPC_PORT}, with a command a free one)",
    )
    received.add_argument(
        "--http-port",
        type=_port,
        metavar="PORT",
        help=f"for OTLP over http; 0 is a free one (default: {HTTP_PORT}, with a command a free one)",
    )
    program = parser.add_argument_group("a program to run")
    program.add_argument(
        "--protocol",
        choices=("grpc", "http/protobuf"),
        default="grpc",
        help="what COMMAND is told to send with (default: %(default)s)",
    )
    program.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND ...",
        action=_Command,
        help="run it under opentelemetry-instrument, sending here, until it ends",
    )


class _Command(argparse.Action):
    """All that follows the first ``--``, options too. Some Pythons hand the dashes over, some do not."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, *_: object
    ) -> None:
        words = [str(word) for word in values] if isinstance(values, list) else []
        dashes = words[:1] == ["--"]
        if dashes and not words[1:]:
            parser.error("a command is missing after --")
        setattr(namespace, self.dest, words[1:] if dashes else words)


def _signals(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in SIGNALS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(SIGNALS)}")
    return names


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)
