"""The ``distrokit`` command: looks at the environment as a started process would, and builds nothing."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import distrokit
from distrokit.cli.doctor import DOCTOR
from distrokit.cli.explain import EXPLAIN
from distrokit.cli.plugins import PLUGINS
from distrokit.declarations import Command
from distrokit.diagnostics import Problem, describe_exception, trace_of, write
from distrokit.election import elect
from distrokit.entry_points import EntryPoints
from distrokit.settings import Settings
from distrokit.startup import Assembly

EPILOG = "exit codes: 0 nothing fails, 1 something fails, 2 the command line is wrong"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        argv: ``None`` for the command line.

    Returns: the exit code; 2 for a command line that makes no sense.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A character that the terminal does not have is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    installed = EntryPoints.scan()
    assembly = Assembly(installed=installed, plan_when_disabled=True)
    election = elect(Settings.from_environ(), installed)
    assembly.plan.problems.extend(election.problems)
    parser = _Parser(prog="distrokit", description=(distrokit.__doc__ or "").split("\n")[0], epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"distrokit {distrokit.__version__}")
    subcommands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser
    )
    for command in _commands(assembly):
        # argparse reads "%" as the beginning of a placeholder.
        text = command.help.replace("%", "%%")
        subparser = subcommands.add_parser(command.name, help=text, description=text)
        subparser.set_defaults(run=command.run, assembly=assembly, election=election)
        _add_arguments(command, subparser, assembly)
    # Whoever types a command that is not there may be looking for one of a plugin that failed.
    assembly.channel.said.clear()
    parser.before_error = lambda: assembly.channel.problems(assembly.plan.problems)
    arguments = parser.parse_args(argv)
    assembly.channel.problems(p for p in assembly.plan.problems if p.code.startswith("command-"))
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


class _Parser(argparse.ArgumentParser):
    before_error: Callable[[], None] = staticmethod(lambda: None)

    def error(self, message: str) -> NoReturn:
        self.before_error()
        super().error(message)


def _add_arguments(command: Command, parser: argparse.ArgumentParser, assembly: Assembly) -> None:
    try:
        if command.arguments is not None:
            command.arguments(parser)
    except Exception as error:
        problem = Problem(
            code="command-failed",
            subject=f"command {command.name}",
            cause=describe_exception(error),
            outcome="it has no arguments; the other commands work",
            remedy="Repair its plugin.",
            detail=trace_of(error),
        )
        assembly.plan.problems.append(problem)


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
    assembly.plan.problems.extend(refused)
    return list(commands.values())
