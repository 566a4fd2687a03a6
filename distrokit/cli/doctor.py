"""``distrokit doctor``: the plan's problems and the plugins' checks, as verdicts with an exit code."""

from __future__ import annotations

import argparse

from distrokit.cli.output import print_json, print_rows
from distrokit.declarations import Check, Command
from distrokit.election import Election
from distrokit.startup import Assembly

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


def checks(assembly: Assembly, election: Election) -> list[Check]:
    """Every finding: who is in charge, the plan's problems, then what plugins say."""
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
    if not election.ours:
        remedy = "Set OTEL_PYTHON_DISTRO=distrokit."
        problems.append(Check("distro", "warn", f"{election.name} configures the process, not distrokit", remedy))
    if assembly.plan.disabled.value:
        source = assembly.plan.disabled.source
        problems.append(Check("disabled", "warn", f"telemetry is off: {source}", f"Change or unset {source}."))
    return [*(problems or [Check("plan", "ok", "settings and plugins make a plan without problems")]), *found]


def _run(arguments: argparse.Namespace) -> int:
    found = checks(arguments.assembly, arguments.election)
    if arguments.json:
        print_json([vars(check) for check in found])
    else:
        print_rows([(_MARKS[c.verdict], c.id, c.evidence + (f" → {c.remedy}" if c.remedy else "")) for c in found], "")
    # Under DISTROKIT_STRICT a warning keeps the application from starting.
    failing = {"fail", "warn"} if arguments.assembly.plan.settings.strict else {"fail"}
    return 1 if any(check.verdict in failing for check in found) else 0


DOCTOR = Command("doctor", "check settings and plugins; exit code 1 when something fails", _run, _arguments)
