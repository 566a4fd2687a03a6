"""Checks what a plugin adds to the ``distrokit`` command: doctor checks and subcommands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from distrokit.launch.assembly import plan_for
from distrokit.testing.conformance.wording import for_author, is_about
from distrokit.testing.planning import installed_without


def check_tools(name: str, module: object, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield findings about its checks and commands, with all installed plugins; run no command."""
    # Imported here: other stages do not need it.
    from distrokit.cli.commands import add_arguments, commands

    assembly = plan_for(dict(environ), {name: module}, installed_without([name]), project=False)
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
