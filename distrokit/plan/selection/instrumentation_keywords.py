"""Detects mistakes in keywords of instrumentations, which accept any keyword without an error."""

from __future__ import annotations

from typing import Any

from distrokit.diagnostics import Problem
from distrokit.settings.suggestions import SIMILAR_WORD, find_closest, rate

#: Likely spellings and the keyword that is meant.
_WORDS = {
    "enabled": "enabled",
    "disabled": "enabled",
    "replaced_by": "replaced_by",
    "replacement": "replaced_by",
    "init": "init",
}


def guess_keyword(keyword: str, value: Any) -> str:
    """Return the keyword that is most likely meant; empty if it may be correct.

    Args:
        value: plain value of the keyword.
    """
    plain = keyword.lower().replace("-", "_")
    if close := find_closest(plain, _WORDS, SIMILAR_WORD):
        return _WORDS[close]
    name, _, last = plain.rpartition("_")
    # A hook is the path of an object. A text that begins with import: is imported under any keyword.
    if not name or not isinstance(value, str) or value.startswith("import:") or keyword.endswith("_hook"):
        return ""
    return f"{name}_hook" if rate(last, "hook") >= SIMILAR_WORD else ""


def misspelt_keyword_problem(subject: str, name: str, guess: str) -> Problem:
    """Make the problem of a misspelt keyword.

    Args:
        subject: the variable, or the place in the file.
        name: of the instrumentation.
    """
    return Problem(
        code="keyword-misspelt",
        subject=subject,
        cause="distrokit does not know this keyword",
        outcome=f"it is passed to {name}, and most instrumentations ignore unknown keywords",
        remedy=f"Did you mean {guess!r}?",
        severity="warning",
    )


def find_json_fault(text: str) -> str:
    """Return why a text that begins like a JSON list or object is invalid; empty if it is valid, or any other text.

    The reason does not quote the text, which may contain a secret.
    """
    import json

    if text[:1] not in ("[", "{"):
        return ""
    try:
        json.loads(text, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at character {error.pos + 1}"
    except RecursionError:
        what = "it is nested too deeply"
    except ValueError as error:
        what = f"{error} is not a JSON value"
    else:
        return ""
    return f"it begins like JSON and is not valid: {what}"


def refuse_constant(word: str) -> Any:
    """Refuse ``NaN`` and ``Infinity``, which :mod:`json` reads and JSON does not have."""
    raise ValueError(word)
