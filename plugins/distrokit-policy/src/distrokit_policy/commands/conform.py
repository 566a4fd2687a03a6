"""``distrokit policy conform``: runs cases in the form of the public conformance suite."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distrokit_policy.commands.running import say, write, write_json
from distrokit_policy.engine.reading import NotASetError, ReadPolicies, read_policies
from distrokit_policy.otlp_json.comparing import normalize
from distrokit_policy.otlp_json.requests import NotOTLPError, RequestPolicies

_FAILED, _UNREAD = 1, 2


def run(arguments: argparse.Namespace) -> int:
    """Run all cases; return the exit code."""
    folder = Path(arguments.folder)
    try:
        cases = sorted(path.parent for path in folder.glob("*/policies.json"))
    except OSError as error:
        say("conform", f"{folder}: {error.strerror or error}")
        return _UNREAD
    if not cases:
        say("conform", f"{folder} has no cases: folders with policies.json, input*.json and expected*.json")
        return _UNREAD
    failures = {case.name: found for case in cases if (found := list(run_case(case)))}
    if arguments.json:
        write_json({"cases": len(cases), "passed": len(cases) - len(failures), "failures": failures})
    else:
        for name, found in failures.items():
            for failure in found:
                write(f"{name}: {failure}")
        write(f"{len(cases) - len(failures)} of {len(cases)} cases passed")
    return _FAILED if failures else 0


def run_case(case: Path) -> Iterator[str]:
    """Yield what differs in a case: outputs of each input, and statistics of all together."""
    try:
        read = read_policies(_load(case / "policies.json"))
        policies = RequestPolicies(read.policies)
        inputs = sorted(case.glob("input*.json"), key=_number)
        for file in inputs:
            # Each input has windows of its own: the suite runs a process for each.
            policies.forked()
            expected = _load(file.with_name(file.name.replace("input", "expected", 1)))
            actual = policies.apply(_load(file))
            if normalize(actual) != normalize(expected):
                yield f"{file.name}: the result is {json.dumps(normalize(actual))[:2000]}"
        yield from _differing_statistics(_load(case / "expected_stats.json"), policies, read)
    except (NotASetError, NotOTLPError, OSError, ValueError, KeyError) as error:
        yield f"{type(error).__name__}: {error}"


def _load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _number(path: Path) -> int:
    found = re.search(r"\d+", path.name)
    return int(found[0]) if found else 0


def _differing_statistics(expected: Any, policies: RequestPolicies, read: ReadPolicies) -> Iterator[str]:
    errors: dict[str, list[str]] = {}
    for error in read.errors:
        errors.setdefault(error.policy_id, []).append(error.text)
    counts = {name: (each.hits, each.misses) for name, each in policies.statistics.policies.items()}
    wanted = {each["policy_id"]: each for each in expected["policies"]}
    for name in sorted({*wanted, *(name for name, count in counts.items() if any(count)), *errors}):
        each = wanted.get(name, {})
        count = (each.get("hits", 0), each.get("misses", 0))
        if counts.get(name, (0, 0)) != count:
            yield f"statistics of {name}: hits and misses are {counts.get(name)}, not {count}"
        # An engine may add a reason.
        texts = each.get("errors", [])
        found = errors.get(name, [])
        if len(found) != len(texts) or not all(map(str.startswith, found, texts)):
            yield f"errors of {name}: {found}, not {texts}"
