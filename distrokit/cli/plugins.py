"""``distrokit plugins``: every candidate with its status, and the call order of each hook."""

from __future__ import annotations

import argparse

from distrokit.cli.output import print_json, print_rows
from distrokit.declarations import Command
from distrokit.hookspecs import HOOKS
from distrokit.launch.assembly import Assembly
from distrokit.plugins.manager import Plugins
from distrokit.settings.frozen_programs import to_install

#: Version of the shape of ``--json``.
SCHEMA = 1


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the list, and the call order of each hook, as JSON")


def _run(arguments: argparse.Namespace) -> int:
    assembly: Assembly = arguments.assembly
    order = call_order(assembly.plugins)
    if arguments.json:
        print_json({"schema": SCHEMA, "plugins": assembly.plan.describe()["plugins"], "call_order": order})
        return 0
    assembly.channel.problems(
        problem for problem in assembly.plan.problems if problem.code == "entry-points-unreadable"
    )
    mask = assembly.plan.settings.mask
    rows = [
        (p.name, f"{p.distribution} {p.version}".strip(), p.status, mask(p.cause) or _hooks(p.hooks))
        for p in assembly.plan.plugins
    ]
    if not rows:
        print(f"no plugin is installed. {to_install('distrokit[otlp]')}")
        return 0
    print_rows(rows, indent="")
    print("\ncall order")
    print_rows([(hook, " → ".join(names)) for hook, names in order.items()])
    return 0


def call_order(plugins: Plugins) -> dict[str, list[str]]:
    """Return the plugins that implement each hook, in call order; the hooks are in call order, too."""
    found = {hook: [plugin.name for plugin in plugins.implementing(hook)] for hook in HOOKS}
    return {hook: names for hook, names in found.items() if names}


def _hooks(names: tuple[str, ...]) -> str:
    return ", ".join(name.removeprefix("distrokit_") for name in HOOKS if name in names)


PLUGINS = Command("plugins", "list the plugins with status, hooks and call order", _run, _arguments)
