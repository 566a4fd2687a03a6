"""The ``distrokit`` command: looks at the environment as a started process would, and builds nothing."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import distrokit
from distrokit.cli.doctor import DOCTOR
from distrokit.cli.explain import EXPLAIN
from distrokit.cli.plugins import PLUGINS
from distrokit.declarations import Command
from distrokit.diagnostics import Channel, Problem, write
from distrokit.startup import Assembly

EPILOG = "exit codes: 0 all is well, 1 something is not, 2 the command line is wrong"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        argv: ``None`` for the command line.

    Returns: the exit code; 2 for a command line that makes no sense.
    """
    assembly = Assembly(plan_when_disabled=True)
    parser = argparse.ArgumentParser(
        prog="distrokit", description=distrokit.__doc__.split("\n")[0] if distrokit.__doc__ else "", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"distrokit {distrokit.__version__}")
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _commands(assembly):
        subparser = subcommands.add_parser(command.name, help=command.help, description=command.help)
        if command.arguments is not None:
            command.arguments(subparser)
        subparser.set_defaults(run=command.run, assembly=assembly)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # `distrokit explain | head` is not an error; without this Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        write("distrokit: interrupted")
        return 130
    return code


def _commands(assembly: Assembly) -> list[Command]:
    commands = {command.name: command for command in (EXPLAIN, PLUGINS, DOCTOR)}
    refused = []
    for plugin, command in assembly.plugins.commands():
        if command.name in commands:
            refused.append(
                Problem(
                    code="command-taken",
                    subject=plugin.title,
                    cause=f"there already is a command {command.name!r}",
                    outcome="the plugin's command is left out",
                    remedy="Rename it.",
                )
            )
        else:
            commands[command.name] = command
    Channel().problems(refused)
    return list(commands.values())
