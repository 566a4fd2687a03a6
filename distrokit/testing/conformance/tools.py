"""What a plugin adds to the ``distrokit`` command: its checks and its subcommands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from distrokit.launch.startup import Assembly
from distrokit.testing.conformance.wording import for_author, is_about
from distrokit.testing.planning import there


def added(name: str, module: object, environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with them, beside everything that is installed; no command is run."""
    # Here, not above: whoever only declares needs none of it.
    from distrokit.cli import add_arguments, commands

    assembly = Assembly(dict(environ), {name: module}, there([name]), project=False)
    plan, plugins = assembly.plan, assembly.plugins
    before = list(plan.problems)
    plugins.checks(plan)
    commands(assembly)
    own = [command for plugin, command in plugins.commands() if plugin.name == name]
    for command in own:
        add_arguments(command, argparse.ArgumentParser(command.name), assembly)
    subjects = [f"command {command.name}" for command in own]
    for problem in plan.problems:
        if problem not in before and (is_about(problem, name) or problem.subject in subjects):
            yield for_author(problem)
