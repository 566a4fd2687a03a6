"""The options of ``distrokit new``. Read for every command of ``distrokit``, so nothing but argparse is imported."""

from __future__ import annotations

import argparse

#: What can be made, and what it is for.
KINDS = {
    "plugin": "a package with a plugin, for any application that has distrokit",
    "distro": "a package with a distro of your own: plugins, defaults and hooks under your name",
}

NAMES = """\
NAME is one word, or the whole name of a distribution:

  {0}

Upper case, dots and underscores become lower case and dashes. Every name is
checked before anything is written, and nothing is ever overwritten.

exit codes: 0 it is made, 1 it is refused, 2 the command line is wrong
"""

_EXAMPLES = {
    "plugin": "acme          plugin acme, distribution distrokit-acme, module distrokit_acme\n"
    "  acme-otel     plugin acme, distribution acme-otel, module acme_otel",
    "distro": "acme          distro acme, distribution acme-otel, module acme_otel\n"
    "  acme-distro   distro acme, distribution acme-distro, module acme_distro",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be typed behind ``distrokit new``."""
    kinds = parser.add_subparsers(title="what", metavar="WHAT", required=True, dest="kind")
    for kind, text in KINDS.items():
        parser = kinds.add_parser(
            kind,
            help=text,
            description=text,
            epilog=NAMES.format(_EXAMPLES[kind]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("name", metavar="NAME", help=f"of the {kind}, or of its distribution")
        parser.add_argument(
            "--directory",
            metavar="DIR",
            help="the folder to make; one that is there must be empty (default: the distribution's name, here)",
        )
        parser.add_argument("--json", action="store_true", help="print what was made, or why not, as JSON")
