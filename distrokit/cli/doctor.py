"""``distrokit doctor``: the plan's problems and the plugins' checks, as verdicts with an exit code."""

from __future__ import annotations

import argparse

from distrokit.cli.output import print_json, print_rows
from distrokit.declarations import Check, Command
from distrokit.startup import Assembly

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


def checks(assembly: Assembly) -> list[Check]:
    """Every finding: first the plan's problems, then what plugins say."""
    # Plugins first: one that fails in its checks adds a problem.
    mask = assembly.plan.settings.mask
    found = [
        Check(check.id, check.verdict, mask(check.evidence), mask(check.remedy))
        for _, check in assembly.plugins.checks(assembly.plan)
    ]
    problems = [
        Check(
            problem.code,
            "fail" if problem.severity == "error" else "warn",
            mask(f"{problem.subject}: {problem.cause}; {problem.outcome}"),
            mask(problem.remedy),
        )
        for problem in assembly.plan.problems
    ]
    return [*(problems or [Check("plan", "ok", "settings and plugins make a plan without problems")]), *found]


def _run(arguments: argparse.Namespace) -> int:
    found = checks(arguments.assembly)
    if arguments.json:
        print_json([vars(check) for check in found])
    else:
        print_rows([(_MARKS[c.verdict], c.id, c.evidence + (f" → {c.remedy}" if c.remedy else "")) for c in found], "")
    return 1 if any(check.verdict == "fail" for check in found) else 0


DOCTOR = Command("doctor", "check settings and plugins; exit code 1 when something fails", _run, _arguments)
