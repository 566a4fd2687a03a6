"""Words problems for plugin authors, whose remedies differ from those of users."""

from __future__ import annotations

from dataclasses import replace

from distrokit.diagnostics import Problem

_REMEDIES = {
    "build-failed": (
        "Repair its factory: it must work without settings, or its error must name the setting or the `pip install` "
        "that it needs."
    ),
    "part-raised": "Repair it.",
    "detector-failed": "Repair it, or return an empty mapping if there is nothing to detect.",
    "plugin-failed": "Repair it; docs/hooks.md says what each hook takes and returns.",
}


def for_author(problem: Problem) -> str:
    """Return the finding: cause, outcome, and the author's remedy."""
    return str(replace(problem, remedy=_REMEDIES.get(problem.code, problem.remedy)))


def is_about(problem: Problem, name: str) -> bool:
    """True if a problem names the plugin (``plugin acme (code)``) or its declaration (``… (plugin acme)``)."""
    text = f"{problem.subject} {problem.cause}"
    return f"(plugin {name})" in text or f"plugin {name} (" in text
