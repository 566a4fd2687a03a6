"""Detects names of instrumentations that are misspelt or not installed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from distrokit.diagnostics import Problem
from distrokit.settings.layers import Settings
from distrokit.settings.suggestions import MISSPELT, did_you_mean
from distrokit.settings.values import Value


def is_nearly_installed(name: str, installed: Iterable[str]) -> bool:
    """Tell whether a name is most likely a misspelt name of an installed instrumentation."""
    names = list(installed)
    # urllib and urllib3 are different libraries, and so are psycopg and psycopg2.
    if without_digits(name) in {without_digits(other) for other in names}:
        return False
    return bool(did_you_mean(name, names, cutoff=MISSPELT)) or any(
        _differs_by_swap(name.lower(), o.lower()) for o in names
    )


def without_digits(name: str) -> str:
    """Return a name in lower case, without its digits."""
    return re.sub(r"\d", "", name.lower())


def _differs_by_swap(one: str, other: str) -> bool:
    """Tell whether the names differ by two swapped letters, which similarity does not detect in short names."""
    return len(one) > 3 and sorted(one) == sorted(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 2


def report_misspelt_names(setting: str, installed: list[str], settings: Settings, problems: list[Problem]) -> None:
    """Report misspelt and invalid names only: a deny list or an order may name instrumentations not installed."""
    value = settings.value(setting)
    if value is not None:
        problems += [
            unknown_name_problem(setting, value, name, installed)
            for name in settings.names(setting)
            if is_impossible(name) or is_nearly_installed(name, installed)
        ]


def is_impossible(name: str) -> bool:
    """Tell whether a text cannot be a name: it is a pattern, or two names without a comma."""
    return name != "*" and bool(re.search(r"[\s;*?]", name))


def unknown_name_problem(
    setting: str, value: Value[str], name: str, installed: list[str], outcome: str = ""
) -> Problem:
    """Make the problem of an unknown name in a list.

    Args:
        outcome: empty if the name has no effect.
    """
    in_file = value.source.kind in ("file", "project")
    subject = f"{value.source} {name}" if in_file else f"{setting}={name}"
    return not_installed_problem(subject, name, installed, outcome)


def not_installed_problem(subject: str, name: str, installed: list[str], outcome: str = "") -> Problem:
    """Make the problem of a name that no package has."""
    cause = f"no package has an instrumentation of this name (available: {', '.join(installed) or 'none'})"
    remedy = did_you_mean(name, installed) or "Install the package that provides it."
    if is_impossible(name):
        names = ",".join(filter(None, re.split(r"[\s;]+", name)))
        cause, remedy = "this is not a valid name", f"Separate names by commas: {names}."
        if re.search(r"[*?]", name):
            cause, remedy = "patterns are not supported", "List the names; * alone means all."
    return Problem(
        code="instrumentation-unknown",
        subject=subject,
        cause=cause,
        outcome=outcome or "it has no effect",
        remedy=remedy,
        severity="warning",
    )
