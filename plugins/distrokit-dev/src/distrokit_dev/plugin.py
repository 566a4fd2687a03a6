"""Adds ``distrokit demo``. Nothing is declared for the pipeline; nothing heavy is imported here."""

from __future__ import annotations

import argparse

from distrokit import Command, hookimpl


@hookimpl
def distrokit_commands() -> list[Command]:
    """``demo``."""
    return [Command("demo", "send spans from a real program to a real receiver, and show them", _demo, _demo_arguments)]


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol", choices=("grpc", "http/protobuf"), default="grpc", help="how the spans travel (default: grpc)"
    )
    parser.add_argument("--json", action="store_true", help="print what arrived as JSON")


def _demo(arguments: argparse.Namespace) -> int:
    from distrokit_dev.demo import demo

    return demo(arguments.protocol, as_json=arguments.json)
