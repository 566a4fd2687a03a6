"""Adds ``distrokit build``. Declares nothing for the pipeline, imports nothing heavy."""

from __future__ import annotations

import argparse

from distrokit import Command, hookimpl


@hookimpl
def distrokit_commands() -> list[Command]:
    """Add ``build``."""
    return [Command("build", "make a folder that attaches distrokit to any Python application", _build, _arguments)]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "exit codes: 0 built, or the checked folder is whole; 1 nothing was built, or the checked folder has problems;"
        " 2 the command line is wrong"
    )
    parser.add_argument(
        "requirements",
        nargs="*",
        metavar="REQUIREMENT",
        help="what goes into the folder, as pip takes it: 'distrokit[otlp]', opentelemetry-instrumentation-flask, or"
        " the path of a distro's project; default: the telemetry that is installed here",
    )
    parser.add_argument("-r", dest="file", action="append", default=[], metavar="FILE", help="a file of requirements")
    what = parser.add_argument_group("what is made")
    what.add_argument("--target", metavar="FOLDER", help="the folder; an older one is replaced")
    what.add_argument(
        "--archive", metavar="FILE", help="pack it: .tar.gz, a layer of a container image; .zip, a layer for AWS Lambda"
    )
    what.add_argument("--prefix", metavar="FOLDER", help="the folder inside the archive (default: otel)")
    what.add_argument("--exclude", action="append", default=[], metavar="NAME", help="leave a distribution out")
    what.add_argument(
        "--allow-native",
        action="store_true",
        help="keep native code: the folder then serves one version of Python, one C library and one processor",
    )
    what.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PYTHON",
        help="write byte code for this Python (default: this one and each python3.N on PATH)",
    )
    parser.add_argument("--check", metavar="FOLDER", help="describe a folder that was built, and check it")
    parser.add_argument("--json", action="store_true", help="print the description as JSON")
    parser.set_defaults(parser=parser)


def _build(arguments: argparse.Namespace) -> int:
    if arguments.check and (arguments.target or arguments.archive or arguments.requirements or arguments.file):
        arguments.parser.error("--check describes a folder; it takes no other option than --json")
    if not (arguments.check or arguments.target or arguments.archive):
        arguments.parser.error("--target, --archive or --check is missing")
    if arguments.prefix and not arguments.archive:
        arguments.parser.error("--prefix is the folder inside an archive; add --archive")
    from distrokit_build.command import run

    return run(arguments)
