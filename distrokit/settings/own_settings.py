"""Settings of distrokit's own in files: what they are called, how they are written, and which must not stand there."""

from __future__ import annotations

from typing import Any

from distrokit.diagnostics import Problem
from distrokit.settings.values import Source, as_text

#: See :func:`environment_only`.
ENVIRONMENT_ONLY = ("DISTROKIT_PLUGIN_FILES",)


def own_name(short: str) -> str:
    """The variable of a setting of distrokit's own that a file calls by its short name."""
    return "DISTROKIT_" + short.upper().replace("-", "_")


def environment_only(name: str, source: Source) -> Problem | None:
    """Why neither ``pyproject.toml`` nor a configuration file may have a setting; ``None`` when it may.

    They decide what code is run, before a file is read.
    """
    return runs_code(name, source) if name in ENVIRONMENT_ONLY else None


def runs_code(name: str, source: Source) -> Problem:
    """The problem of a setting that names code, in a file that must not.

    A file in the working directory, or above it, must not run what plain Python would not.
    """
    return Problem(
        code="setting-ignored",
        subject=str(source),
        cause="it names code to run, which a file must not do",
        outcome="it has no effect",
        remedy=f"Set the environment variable {name}.",
    )


#: What the settings of a single instrumentation begin with; and the one that begins so and is about all of them.
INSTRUMENTATION, INSTRUMENTATION_ORDER = own_name("instrumentation_"), own_name("instrumentation_order")


def is_of_one_instrumentation(name: str) -> bool:
    """Whether a name, without the launcher's prefix, is about a single instrumentation."""
    return name.startswith(INSTRUMENTATION) and name != INSTRUMENTATION_ORDER


def own_text(name: str, value: Any) -> str:
    """What a file has for a setting of distrokit's own, as a variable would say it.

    A keyword of an instrumentation may be of any type: there lists are JSON, and a text that would be taken for
    something else (``"8"``) is quoted.
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
