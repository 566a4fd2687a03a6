"""distrokit's own settings in files: their short names, their texts, and those that a file must not have."""

from __future__ import annotations

from typing import Any

from distrokit.diagnostics import Problem
from distrokit.settings.values import Source, as_text

#: See :func:`environment_only`.
ENVIRONMENT_ONLY = ("DISTROKIT_PLUGIN_FILES",)


def own_name(short: str) -> str:
    """Return the variable of an own setting by the short name that it has in files."""
    return "DISTROKIT_" + short.upper().replace("-", "_")


def environment_only(name: str, source: Source) -> Problem | None:
    """Return the problem of a setting that no file may have; ``None`` if files may have it.

    Such a setting names code that runs before a file is read.
    """
    return runs_code(name, source) if name in ENVIRONMENT_ONLY else None


def runs_code(name: str, source: Source) -> Problem:
    """Return the problem of a setting that names code in a file.

    A file in the working directory, or above it, must not run code that plain Python would not run.
    """
    return Problem(
        code="setting-ignored",
        subject=str(source),
        cause="it names code to run, which a file must not do",
        outcome="it has no effect",
        remedy=f"Set the environment variable {name}.",
    )


#: The prefix of the settings of a single instrumentation; and the one setting with it that is about all of them.
INSTRUMENTATION, INSTRUMENTATION_ORDER = own_name("instrumentation_"), own_name("instrumentation_order")


def is_of_one_instrumentation(name: str) -> bool:
    """Tell whether a name, without the launcher's prefix, is about a single instrumentation."""
    return name.startswith(INSTRUMENTATION) and name != INSTRUMENTATION_ORDER


def own_text(name: str, value: Any) -> str:
    """Convert an own setting's value in a file to the text that an environment variable would have.

    A keyword of an instrumentation may be of any type: there lists become JSON, and a text that would be parsed as
    another type (``"8"``) is quoted.
    """
    if not is_of_one_instrumentation(name) or isinstance(value, (bool, int, float)):
        return as_text(value)
    import json

    try:
        if isinstance(value, str):
            return value if value[:1] not in ("[", "{") and json.loads(value) is None else json.dumps(value)
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return as_text(value)
