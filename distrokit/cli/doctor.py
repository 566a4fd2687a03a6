"""``distrokit doctor``: all checks, as a report with an exit code."""

from __future__ import annotations

import argparse
import os

from distrokit.cli.interpreter import interpreter_of
from distrokit.cli.output import print_json
from distrokit.cli.target_process import launch, no_program
from distrokit.declarations import Check, Command
from distrokit.diagnostics import Mask, write
from distrokit.doctor.checks import DoctorReport, examine, mask_checks
from distrokit.lazy.entry_point_files import find_attached
from distrokit.settings.environ import ASKED


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_argument("--offline", action="store_true", help="skip the checks that use the network; nothing is sent")
    parser.add_argument(
        "--attached",
        metavar="FOLDER",
        help="with a COMMAND: report what happens when this folder of `distrokit build` is in front of it",
    )
    parser.add_argument(
        "--run",
        dest="run_on",
        action="store_true",
        help="with a COMMAND: print the report to stderr and let the application continue",
    )


def _run(arguments: argparse.Namespace) -> int:
    if arguments.run_on:
        return _let_run(arguments)
    is_attached = find_attached() is not None
    if arguments.attached and not is_attached and not os.environ.get(ASKED):
        write("distrokit doctor: --attached needs a COMMAND: distrokit doctor --attached /otel -- python app.py")
        return 2
    report = examine(arguments.assembly, arguments.distro_selection, online=not arguments.offline)
    if arguments.attached and not is_attached:
        own = Check("attached", "ok", "the application has its own distrokit, which starts; the folder does nothing")
        report = DoctorReport({"attached": [own], **report.groups}, report.strict)
    return _show(report, as_json=arguments.json)


def report_no_answer(check: Check, mask: Mask, *, as_json: bool) -> int:
    """Print why COMMAND gave no answer; return the exit code."""
    return _show(DoctorReport({"command": mask_checks(mask, [check])}), as_json=as_json)


def _show(report: DoctorReport, *, as_json: bool) -> int:
    if as_json:
        print_json(report.describe())
    else:
        print("\n".join(report.lines()))
    return 0 if report.ok else 1


def _let_run(arguments: argparse.Namespace) -> int:
    if not arguments.elsewhere or arguments.json or arguments.attached:
        write(
            "distrokit doctor: --run needs a COMMAND, no --json, no --attached: distrokit doctor --run -- python app.py"
        )
        return 2
    interpreter = interpreter_of(arguments.elsewhere)
    if interpreter is not None and (obstacle := interpreter.obstacle()):
        # COMMAND still runs, but distrokit cannot report from inside it.
        write("\n".join(DoctorReport({"command": [obstacle]}).lines()))
    launch(arguments.elsewhere, {"DISTROKIT_DOCTOR": "offline" if arguments.offline else "true"})
    write(f"distrokit doctor: {no_program(arguments.elsewhere[0]).evidence}")
    return 127


DOCTOR = Command("doctor", "find out why there is no telemetry; exit code 1 when something fails", _run, _arguments)
