"""The ``distrokit`` command: plans as a process at its start would, and builds nothing.

``commands`` parses the command line. A module per subcommand: ``run``, ``doctor``, ``plugins``, ``explain``;
``plain_command`` is the short way of ``run`` for ordinary programs.
``setting`` is ``explain SETTING``, ``difference`` is ``--diff``; ``picture``, ``mermaid`` and ``svg`` draw.
``target_process`` asks the process of another command. Plugins add subcommands with ``distrokit_commands``.
"""

from __future__ import annotations

import io
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        argv: ``None`` for the command line.

    Returns: the exit code; 2 for a wrong command line.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The terminal may lack a character.
        sys.stdout.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else argv
    # Imported here: `distrokit run` is part of every start of an application, and needs none of the other commands.
    if words[:1] == ["run"]:
        from distrokit.cli.plain_command import run_plain

        run_plain(words[1:])
        # It is not an ordinary program, or cannot be run.
        from distrokit.cli.run import run

        return run(words[1:])
    from distrokit.cli.commands import run_command

    return run_command(words)
