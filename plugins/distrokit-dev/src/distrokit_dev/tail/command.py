"""The command ``distrokit tail``."""

from __future__ import annotations

import argparse
import os
import sys

from distrokit_dev.launcher import NAME, launcher
from distrokit_dev.receiver import Receiver
from distrokit_dev.tail.arguments import GRPC_PORT, HTTP_PORT, SIGNALS
from distrokit_dev.tail.filters import Filters
from distrokit_dev.tail.interruption import Interruption
from distrokit_dev.tail.json_lines import JsonLines
from distrokit_dev.tail.nothing import why_no_traces
from distrokit_dev.tail.notices import complain, describe_command, describe_receiver, say
from distrokit_dev.tail.program import Program, environment, exists, is_launcher
from distrokit_dev.tail.screen import Screen, console_for
from distrokit_dev.tail.totals import Totals
from distrokit_dev.tail.traces import Traces
from distrokit_dev.tail.typeface import Typeface
from distrokit_dev.tail.watch import View, Watch

#: Seconds without new items after which a trace counts as complete. A program started here sends within 200 ms; with
#: default settings log records may be sent a second after their spans.
_QUIET_OF_PROGRAM, _QUIET = 0.5, 1.2

#: A shell's exit code for an unknown command.
_NOT_FOUND = 127


def tail(arguments: argparse.Namespace) -> int:
    """Show what arrives until Ctrl-C, or until the command ends.

    Args:
        arguments: see :mod:`distrokit_dev.tail.arguments`.

    Returns: the exit code.

    Raises: ``BrokenPipeError`` if stdout is closed.
    """
    command: list[str] = arguments.command
    if command and not exists(command[0]):
        complain(f"the program {command[0]!r} does not exist, or is not executable")
        return _NOT_FOUND
    start = launcher()
    if command and not is_launcher(command[0]) and start is None:
        complain(f"{NAME} is not installed; pip install opentelemetry-instrumentation")
        return 1
    default_ports = (0, 0) if command else (GRPC_PORT, HTTP_PORT)
    requested = (arguments.grpc_port, arguments.http_port)
    ports = [default if port is None else port for port, default in zip(requested, default_ports, strict=True)]
    with Interruption() as interruption:
        try:
            receiver = Receiver(arguments.host, *ports)
        except OSError as error:
            complain(
                f"{error}. Stop the program on that port, or see --host, --grpc-port and --http-port (0: a free one)"
            )
            return 1
        words = command if not start or not command or is_launcher(command[0]) else [start, *command]
        return _run(arguments, words, receiver, interruption)


def _run(arguments: argparse.Namespace, words: list[str], receiver: Receiver, interruption: Interruption) -> int:
    console, totals = console_for(sys.stdout), Totals()
    typeface = Typeface(console.encoding)
    filters = Filters(arguments.service, arguments.name, arguments.errors, arguments.signal or SIGNALS)
    view: View
    if arguments.json:
        view = JsonLines(sys.stdout, filters, totals)
    else:
        # A program that writes to the same terminal would break a table that is redrawn.
        live = sys.stdout.isatty() and not words and not console.is_dumb_terminal
        view = Screen(console, typeface, filters, totals, Traces(_QUIET_OF_PROGRAM if words else _QUIET), live=live)
    watch = Watch(receiver.store, view, totals)
    try:
        with receiver:
            code = _receive(arguments, words, receiver, interruption, watch)
        watch.rest()
    finally:
        view.close()
    lines = [*totals.lines(max(20, console.width), typeface, receiver.store.dropped)]
    lines += why_no_traces(totals, receiver, words, os.environ, arguments.signal or SIGNALS)
    say(sys.stderr if arguments.json else sys.stdout, ["", *lines])
    return code


def _receive(
    arguments: argparse.Namespace, words: list[str], receiver: Receiver, interruption: Interruption, watch: Watch
) -> int:
    notes = sys.stderr if arguments.json or not sys.stdout.isatty() else sys.stdout
    if not words:
        say(notes, describe_receiver(receiver))
        watch.until(lambda: bool(interruption))
        return 0
    endpoint = receiver.endpoint(arguments.protocol)
    environ, removed = environment(os.environ, endpoint, arguments.protocol)
    say(notes, describe_command(arguments.command, endpoint, arguments.protocol, removed))
    try:
        program = Program(words, environ, sys.stderr if arguments.json else None)
    except OSError as error:
        complain(f"cannot run {words[0]!r}: {error.strerror or error}")
        return _NOT_FOUND
    try:
        return watch.follow(program, interruption)
    finally:
        program.end()
