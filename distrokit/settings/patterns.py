"""Regular expressions in settings: instrumentations compile them late, and raise their errors into the application."""

from __future__ import annotations

import re
from collections.abc import Iterable

from distrokit.declarations import Setting
from distrokit.diagnostics import Problem
from distrokit.settings.layers import Layer, Settings
from distrokit.settings.values import STRENGTH, Source

#: The kind of a setting whose items are regular expressions.
PATTERNS = "list of regular expressions"
#: Names of each library's own setting of that kind.
_FAMILY = re.compile(r"OTEL_PYTHON_\w+_EXCLUDED_URLS")
#: A pattern that matches nothing: an empty value would mean that the setting is unset.
_NOTHING = "(?!)"
_EVERYTHING = ".*"


def replace_invalid_patterns(known: Iterable[Setting], settings: Settings) -> tuple[Settings, list[Problem]]:
    """Return settings whose patterns all compile, and a problem for each pattern that did not.

    An invalid pattern is left out. If it says which headers to sanitize, the values of all recorded headers are.
    """
    declared = {setting.name for setting in known if setting.kind == PATTERNS}
    texts: dict[str, str] = {}
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for name in sorted(settings.names_set()):
        value = settings.value(name) if name in declared or _FAMILY.fullmatch(name) else None
        if value is None:
            continue
        valid, errors = _divide(value.value)
        if not errors:
            continue
        sanitizes = name.endswith("_SANITIZE_FIELDS")
        texts[name] = _EVERYTHING if sanitizes else ",".join(valid) or _NOTHING
        sources[name] = value.source
        outcome = "the values of all recorded headers are redacted" if sanitizes else "this pattern is left out"
        subject = name if value.source.kind == "environment" else f"{value.source} {name}"
        for pattern, error in errors.items():
            problems.append(
                Problem(
                    code="setting-invalid",
                    subject=f"{subject}={pattern}",
                    cause=f"it is not a regular expression: {error}",
                    outcome=outcome,
                    remedy=_suggest(pattern),
                )
            )
    layer = Layer(Source(STRENGTH[-1], "distrokit"), texts, sources)
    return (settings.with_layers(layer) if texts else settings), problems


def _divide(text: str) -> tuple[list[str], dict[str, str]]:
    """Split a list into the patterns that compile together, as instrumentations use them, and errors by pattern."""
    valid: list[str] = []
    errors: dict[str, str] = {}
    for pattern in (item.strip() for item in text.split(",")):
        try:
            re.compile("|".join([*valid, pattern]))
        except Exception as error:
            errors[pattern] = str(error)
        else:
            valid.append(pattern)
    return valid, errors


def _suggest(pattern: str) -> str:
    if pattern.startswith("*"):
        return f"Write .{pattern} for any text in place of the asterisk."
    return f"Correct it, or write {re.escape(pattern)} to match this text."
