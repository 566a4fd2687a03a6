"""What the command says itself: where it listens, what it runs, why it cannot."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from distrokit_dev.receiver import Receiver
from distrokit_dev.tail.arguments import GRPC_PORT, HTTP_PORT
from distrokit_dev.tail.typeface import harmless

#: Characters of a command that are repeated to who typed it.
_COMMAND = 70


def say(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines; on stderr it is no reason to fail when nobody reads them."""
    with contextlib.suppress(*((OSError, ValueError) if stream is sys.stderr else ())):
        stream.writelines(f"{line}\n" for line in lines)
        stream.flush()


def complain(text: str) -> None:
    """One line on stderr."""
    say(sys.stderr, [f"distrokit tail: {harmless(text)}"])


def listening(receiver: Receiver) -> list[str]:
    """Where it listens, and what to set in an application so that it sends there."""
    host, default = receiver.host, "127.0.0.1"
    where = f"Listening on {host}:{receiver.grpc_port} (grpc) and {host}:{receiver.http_port} (http). Ctrl-C ends it."
    reached = default if host in ("0.0.0.0", "") else host  # noqa: S104  (compared, not bound)
    if (receiver.grpc_port, receiver.http_port, reached) == (GRPC_PORT, HTTP_PORT, default):
        return [where, "An application with default settings sends here."]
    return [
        where,
        f"Set OTEL_EXPORTER_OTLP_ENDPOINT=http://{reached}:{receiver.grpc_port} in your application;",
        f"http://{reached}:{receiver.http_port} with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.",
    ]


def running(words: Sequence[str], endpoint: str, protocol: str, removed: Sequence[str]) -> list[str]:
    """What is run, and which of the user's variables it does not see."""
    command = harmless(shlex.join(words))
    if len(command) > _COMMAND:
        command = command[: _COMMAND - 3] + "..."
    lines = [f"Running {command}", f"instrumented, sending to {endpoint} over {protocol}."]
    return lines + [f"{name} is not passed on: with it, nothing might arrive here." for name in removed]
