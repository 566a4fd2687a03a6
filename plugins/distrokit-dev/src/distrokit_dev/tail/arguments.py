"""The options of ``distrokit tail``. Loaded for every ``distrokit`` command, so it imports argparse only."""

from __future__ import annotations

import argparse

SIGNALS = ("traces", "metrics", "logs")

#: Default ports of OTLP/gRPC and OTLP/HTTP.
GRPC_PORT, HTTP_PORT = 4317, 4318

EXAMPLES = """\
examples:
  distrokit tail                             receive on 4317 and 4318
  distrokit tail -- python app.py            run a program and show what it sends
  distrokit tail --errors --service 'shop*'  only failures in these services
  distrokit tail --signal logs --name '*timeout*'
  distrokit tail --json -- python app.py | jq .name

SERVICE and NAME are shell patterns (* ? [abc]); they match a whole name,
ignoring case.

exit codes: the program's, else 0; 1 cannot listen, 2 invalid command line,
127 no such program
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``distrokit tail``."""
    parser.usage = "%(prog)s [options] [-- COMMAND ...]"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    shown = parser.add_argument_group("output")
    shown.add_argument(
        "--service", action="append", default=[], help="only services whose name matches; may be repeated"
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
        help="only traces, metrics or logs; a comma-separated list, or repeated",
    )
    shown.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object per item; the output of COMMAND goes to stderr",
    )
    received = parser.add_argument_group("receiver")
    received.add_argument(
        "--host", default="127.0.0.1", help="IPv4 address or name to listen on (default: %(default)s)"
    )
    received.add_argument(
        "--grpc-port",
        type=_port,
        metavar="PORT",
        help=f"port for OTLP over grpc; 0: a free one (default: {GRPC_PORT}; with COMMAND a free one)",
    )
    received.add_argument(
        "--http-port",
        type=_port,
        metavar="PORT",
        help=f"port for OTLP over http; 0: a free one (default: {HTTP_PORT}; with COMMAND a free one)",
    )
    program = parser.add_argument_group("program")
    program.add_argument(
        "--protocol",
        choices=("grpc", "http/protobuf"),
        default="grpc",
        help="OTLP protocol for COMMAND (default: %(default)s)",
    )
    program.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND ...",
        action=_Command,
        help="run COMMAND under opentelemetry-instrument, and show what it sends",
    )


class _Command(argparse.Action):
    """Takes all words after the first ``--``, options included. Only some Python versions pass the dashes on."""

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
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(SIGNALS)}")
    return names


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)
