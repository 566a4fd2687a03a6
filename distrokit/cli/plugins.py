"""``distrokit plugins``: every candidate, whatever became of it."""

from __future__ import annotations

import argparse

from distrokit.cli.output import print_json, print_rows
from distrokit.declarations import Command
from distrokit.plan import Plan


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def _run(arguments: argparse.Namespace) -> int:
    plan: Plan = arguments.assembly.plan
    if arguments.json:
        print_json(plan.describe()["plugins"])
        return 0
    rows = [
        (p.name, f"{p.distribution} {p.version}".strip(), p.status, plan.settings.mask(p.cause) or ", ".join(p.hooks))
        for p in plan.plugins
    ]
    print_rows(rows or [("no plugin is installed; run `pip install 'distrokit[otlp]'`", "", "", "")], indent="")
    return 0


PLUGINS = Command("plugins", "list the plugins with status and hooks", _run, _arguments)
