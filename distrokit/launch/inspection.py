"""``distrokit doctor`` in a process that starts: it answers a question, or prints a report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from distrokit.diagnostics import write
from distrokit.settings.environ import ASKED
from distrokit.settings.layers import Settings

if TYPE_CHECKING:
    from distrokit.launch.assembly import Assembly
    from distrokit.launch.distro_selection import DistroSelection

_SETTING, _OFFLINE = "DISTROKIT_DOCTOR", "offline"


def answer_doctor(settings: Settings) -> None:
    """Run the subcommand of ``distrokit doctor -- COMMAND``, if there is one, and end this process."""
    asked = settings.environ.get(ASKED, "")
    if asked:
        # Imported here, since few processes are asked.
        from distrokit.cli import main
        from distrokit.cli.target_process import answer

        answer(asked, main)


def wants_report(settings: Settings) -> bool:
    """Tell whether ``DISTROKIT_DOCTOR`` is set."""
    return settings.flag(_SETTING) or settings.get(_SETTING).lower() == _OFFLINE


def print_report(assembly: Assembly, distro_selection: DistroSelection) -> None:
    """Print the doctor's report on stderr."""
    from distrokit.doctor.checks import examine

    online = assembly.plan.settings.get(_SETTING).lower() != _OFFLINE
    report = examine(assembly, distro_selection, online=online)
    write("\n".join([f"distrokit doctor, process {os.getpid()}", *report.lines()]))
