"""The command's own messages: the receiver's address, the program, errors."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from distrokit_dev.receiver import Receiver
from distrokit_dev.tail.arguments import GRPC_PORT, HTTP_PORT
from distrokit_dev.tail.typeface import harmless

#: Maximum characters of a command in a message.
_COMMAND = 70


def say(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines; ignore a closed stderr."""
    with contextlib.suppress(*((OSError, ValueError) if stream is sys.stderr else ())):
        stream.writelines(f"{line}\n" for line in lines)
        stream.flush()


def complain(text: str) -> None:
    """Print an error to stderr."""
    say(sys.stderr, [f"distrokit tail: {harmless(text)}"])


def describe_receiver(receiver: Receiver) -> list[str]:
    """Describe the receiver's address, and the settings for an application."""
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


def describe_command(words: Sequence[str], endpoint: str, protocol: str, removed: Sequence[str]) -> list[str]:
    """Describe the command, and the variables removed from its environment."""
    command = harmless(shlex.join(words))
    if len(command) > _COMMAND:
        command = command[: _COMMAND - 3] + "..."
    lines = [f"Running {command}", f"instrumented, sending to {endpoint} over {protocol}."]
    return lines + [f"{name} is removed from its environment: with it, nothing might arrive here." for name in removed]
