"""A small command-line tool: argparse and json, and no library that has an instrumentation."""

from __future__ import annotations

import argparse
import json
import sys


def main() -> None:
    """Print the words of the command line, and how long they are, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--indent", type=int, default=None)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps({word: len(word) for word in arguments.words}, indent=arguments.indent) + "\n")


if __name__ == "__main__":
    main()
