"""Problems in the words of those who can mend the plugin: its users' ways out are not theirs."""

from __future__ import annotations

from dataclasses import replace

from distrokit.diagnostics import Problem

_REMEDIES = {
    "build-failed": (
        "Repair its factory: it works as things are, or its error names the setting, or the `pip install`, that it "
        "needs."
    ),
    "part-raised": "Repair it.",
    "detector-failed": "Repair it, or answer an empty mapping where there is nothing to detect.",
    "plugin-failed": "Repair it; docs/hooks.md says what each hook takes and returns.",
}


def for_author(problem: Problem) -> str:
    """The finding: what was found and what would become of it, and what an author can do."""
    return str(replace(problem, remedy=_REMEDIES.get(problem.code, problem.remedy)))


def is_about(problem: Problem, name: str) -> bool:
    """Problems name a plugin as ``plugin acme (code)``, and what a plugin declared as ``… (plugin acme)``."""
    text = f"{problem.subject} {problem.cause}"
    return f"(plugin {name})" in text or f"plugin {name} (" in text
