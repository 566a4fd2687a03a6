"""The standard library's parser of regular expressions, which has no public name; all its private names are here.

It is ``sre_parse`` in Python 3.10 and ``re._parser`` since 3.11. Its tree is a list of pairs: an operator, and its
arguments.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

_NEW = sys.version_info >= (3, 11)
_parser: Any = import_module("re._parser" if _NEW else "sre_parse")
_constants: Any = import_module("re._constants" if _NEW else "sre_constants")

#: The greatest number of repetitions means: without an upper bound.
UNBOUNDED: int = int(_constants.MAXREPEAT)


def parse(regex: str) -> tuple[list[tuple[str, Any]], int, int]:
    """Parse a regular expression.

    Returns: the tree, the flags (those of :mod:`re`), and the length of the shortest match.

    Raises:
        re.error: it is no regular expression.
        RecursionError, OverflowError: it is nested too deeply, or has too large numbers.
    """
    tree = _parser.parse(regex)
    return convert(tree), int(tree.state.flags), int(tree.getwidth()[0])


def convert(node: Any) -> list[tuple[str, Any]]:
    """Return a node of the tree with the names of its operators as text."""
    return [(str(operator), argument) for operator, argument in node]
