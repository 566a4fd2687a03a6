"""The options of ``distrokit new``. Loaded for every ``distrokit`` command, so it imports argparse only."""

from __future__ import annotations

import argparse

#: The kinds of packages, with their help texts.
KINDS = {
    "plugin": "a package with a plugin, for any application with distrokit",
    "distro": "a package with your own distro: plugins, defaults and hooks under your name",
}

NAMES = """\
NAME is one word, or the full name of a distribution:

  {0}

Upper case, dots and underscores become lower case and dashes. Every name is
checked before anything is written, and nothing is ever overwritten.

exit codes: 0 created, 1 refused, 2 invalid command line
"""

_EXAMPLES = {
    "plugin": "acme          plugin acme, distribution distrokit-acme, module distrokit_acme\n"
    "  acme-otel     plugin acme, distribution acme-otel, module acme_otel",
    "distro": "acme          distro acme, distribution acme-otel, module acme_otel\n"
    "  acme-distro   distro acme, distribution acme-distro, module acme_distro",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``distrokit new``."""
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True, dest="kind")
    for kind, text in KINDS.items():
        parser = kinds.add_parser(
            kind,
            help=text,
            description=text,
            epilog=NAMES.format(_EXAMPLES[kind]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("name", metavar="NAME", help=f"name of the {kind}, or of its distribution")
        parser.add_argument(
            "--directory",
            metavar="DIR",
            help="folder to create; an existing one must be empty (default: the distribution's name)",
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
