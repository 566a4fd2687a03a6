"""Adds ``distrokit demo``, ``new`` and ``tail``. Declares nothing for the pipeline, imports nothing heavy."""

from __future__ import annotations

import argparse

from distrokit import Command, hookimpl
from distrokit_dev.new.arguments import add_arguments as add_new_arguments
from distrokit_dev.tail.arguments import add_arguments


@hookimpl
def distrokit_commands() -> list[Command]:
    """Add ``demo``, ``new`` and ``tail``."""
    return [
        Command("demo", "send spans from a real program to a real receiver, and show them", _demo, _demo_arguments),
        Command("new", "create a package for your own plugin or distro", _new, add_new_arguments),
        Command("tail", "receive traces, metrics and logs, and show them as they arrive", _tail, add_arguments),
    ]


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol", choices=("grpc", "http/protobuf"), default="grpc", help="OTLP protocol (default: grpc)"
    )
    parser.add_argument("--json", action="store_true", help="print the received spans as JSON")


def _demo(arguments: argparse.Namespace) -> int:
    from distrokit_dev.demo import demo

    return demo(arguments.protocol, as_json=arguments.json)


def _new(arguments: argparse.Namespace) -> int:
    from distrokit_dev.new.command import new

    return new(arguments)


def _tail(arguments: argparse.Namespace) -> int:
    from distrokit_dev.tail.command import tail

    return tail(arguments)
