"""Parses the command line and runs a subcommand; plugins add some with ``distrokit_commands``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NoReturn

import distrokit
from distrokit.cli.doctor import DOCTOR, report_no_answer
from distrokit.cli.explain import EXPLAIN
from distrokit.cli.plugins import PLUGINS
from distrokit.cli.run import HELP, PATH_HELP, add_run_arguments, print_path, run_parsed
from distrokit.cli.target_process import ask
from distrokit.declarations import Check, Command
from distrokit.diagnostics import Problem, describe_exception, trace_of, visible, write
from distrokit.doctor.installer import install_line
from distrokit.launch.assembly import Assembly, plan_for
from distrokit.launch.distro_selection import configure_other, select_distro
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.layers import Settings, is_secret
from distrokit.settings.suggestions import did_you_mean

RUN = Command("run", HELP, run_parsed, add_run_arguments)
PATH = Command("path", PATH_HELP, print_path)
#: The core's commands that also run in the process of a COMMAND.
_OWN = (EXPLAIN, PLUGINS, DOCTOR)
_TARGET_EPILOG = (
    "distrokit {0} … -- COMMAND looks at the process that COMMAND starts, for example"
    " `distrokit {0} -- gunicorn app:app`. That process ends before the application's own code runs."
)
#: The extra that installs each of the documented commands.
_IN_EXTRAS = {"tail": "dev", "demo": "dev", "new": "dev", "config": "yaml", "build": "build", "guard": "guard"}
EPILOG = "exit codes: 0 success, 1 a check or the command failed, 2 the command line is wrong"


def run_command(words: Sequence[str]) -> int:
    """Plan, and run the subcommand that these words name; return its exit code, 2 for a wrong command line."""
    installed = EntryPoints.scan()
    distro_selection = select_distro(Settings.from_environ(), installed)
    # A distro that only sets defaults writes them into the environment, so the plan is made after it.
    _, failures = configure_other(distro_selection)
    assembly = plan_for(installed=installed)
    assembly.plan.problems.extend((*distro_selection.problems, *failures))
    own, elsewhere = _split_at_command(words)
    parser = _Parser(prog="distrokit", description=(distrokit.__doc__ or "").split("\n")[0], epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"distrokit {distrokit.__version__}")
    subcommands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser
    )
    for command in commands(assembly):
        # argparse reads "%" as the start of a placeholder.
        text = command.help.replace("%", "%%")
        epilog = _TARGET_EPILOG.format(command.name) if command in _OWN else None
        subparser = subcommands.add_parser(command.name, help=text, description=text, epilog=epilog)
        subparser.set_defaults(
            run=command.run, assembly=assembly, distro_selection=distro_selection, elsewhere=elsewhere
        )
        add_arguments(command, subparser, assembly)
    if own and own[0] in _IN_EXTRAS and own[0] not in subcommands.choices:
        write(assembly.plan.settings.mask(_explain_missing(own[0], _IN_EXTRAS[own[0]], assembly)))
        return 2
    # An unknown command may be one of a plugin that failed, so the problems are printed before the error.
    assembly.channel.said.clear()
    parser.before_error = lambda: assembly.channel.problems(assembly.plan.problems)
    if own and not own[0].startswith("-") and own[0] not in subcommands.choices:
        hint = did_you_mean(own[0], subcommands.choices) or f"Commands: {', '.join(subcommands.choices)}."
        parser.error(f"invalid choice: {own[0]!r}. {hint}")
    arguments = parser.parse_args(own)
    assembly.channel.problems(p for p in assembly.plan.problems if p.code.startswith("command-"))
    try:
        code: int = _run_in_target(arguments, own) if _runs_in_target(arguments) else arguments.run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # `distrokit explain | head` is not an error; without this Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        write("distrokit: interrupted")
        return 130
    return code


def _explain_missing(command: str, plugin: str, assembly: Assembly) -> str:
    """Return why the command of an extra's plugin is missing, with the remedy."""
    active_distro = assembly.plugins.active_distro
    found = next((candidate for candidate in assembly.plan.plugins if candidate.name == plugin), None)
    if found is None:
        return f"distrokit: {command} is not installed here; run `{install_line(f'distrokit[{plugin}]')}`"
    text = f"distrokit: {command} is a command of {found.title}, which is installed but not loaded: {found.cause}"
    if found.cause == active_distro.keeps_out(plugin, found.distribution):
        return f"{text}. Add {plugin!r} to the distro's optional, or set OTEL_PYTHON_DISTRO=distrokit for this command."
    return f"{text}."


def _split_at_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the subcommand with its own arguments, and the COMMAND after ``--``."""
    words = list(argv)
    if "--" not in words or not words or words[0] not in {command.name for command in _OWN}:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _runs_in_target(arguments: argparse.Namespace) -> bool:
    return bool(arguments.elsewhere) and not getattr(arguments, "run_on", False)


def _run_in_target(arguments: argparse.Namespace, own: Sequence[str]) -> int:
    settings = arguments.assembly.plan.settings
    for word, after in pairwise([*arguments.elsewhere, ""]):
        name, equals, text = word.partition("=")
        if is_secret(name) and (equals or name.startswith("-")):
            settings.learn_secret(text if equals else after)
    answer = ask(own, arguments.elsewhere, getattr(arguments, "attached", None))
    if isinstance(answer, Check):
        if own[0] == DOCTOR.name:
            return report_no_answer(answer, settings.mask, as_json=arguments.json)
        write(visible(settings.mask(f"distrokit {own[0]}: {answer.evidence}. {answer.remedy}")))
        return 1
    code, out, err = answer
    if err:
        write(err.rstrip("\n"))
    print(out, end="")
    return code


class _Parser(argparse.ArgumentParser):
    before_error: Callable[[], None] = staticmethod(lambda: None)

    def error(self, message: str) -> NoReturn:
        self.before_error()
        super().error(message)


def add_arguments(command: Command, parser: argparse.ArgumentParser, assembly: Assembly) -> None:
    """Add a command's arguments to the parser; an exception becomes a problem of the plan."""
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


def commands(assembly: Assembly) -> list[Command]:
    """Return the core's commands and the plugins'; a duplicate name becomes a problem of the plan."""
    known = {command.name: command for command in (*_OWN, RUN, PATH)}
    refused = []
    for plugin, command in assembly.plugins.commands():
        if command.name in known:
            refused.append(
                Problem(
                    code="command-taken",
                    subject=plugin.title,
                    cause=f"there is already a command {command.name!r}",
                    outcome="the plugin's command is left out",
                    remedy="Rename it.",
                )
            )
        else:
            known[command.name] = command
    assembly.plan.problems.extend(refused)
    return list(known.values())
