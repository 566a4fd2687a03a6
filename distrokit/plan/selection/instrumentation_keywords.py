"""Mistakes in keywords of instrumentations, which take any keyword with any value, and say nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from distrokit.diagnostics import Problem

#: What people write, and what is meant by it.
_WORDS = {
    "enabled": "enabled",
    "disabled": "enabled",
    "replaced_by": "replaced_by",
    "replacement": "replaced_by",
    "init": "init",
}
#: How alike: ``enable`` is close enough to ``enabled``, and ``limit`` not to ``init``. Of the few letters of ``hook``,
#: two that are swapped leave less.
_CLOSE, _CLOSE_TO_HOOK = 0.8, 0.75


def guess_keyword(keyword: str, value: Any) -> str:
    """The keyword that is most likely meant; empty for one that need not be a mistake.

    Args:
        value: what it is given, plain.
    """
    plain = keyword.lower().replace("-", "_")
    if close := get_close_matches(plain, _WORDS, n=1, cutoff=_CLOSE):
        return _WORDS[close[0]]
    name, _, last = plain.rpartition("_")
    # A hook is a text that says where it is. With import: in front it is found under any keyword.
    if not name or not isinstance(value, str) or value.startswith("import:") or keyword.endswith("_hook"):
        return ""
    return f"{name}_hook" if get_close_matches(last, ["hook"], cutoff=_CLOSE_TO_HOOK) else ""


def misspelt_keyword_problem(subject: str, name: str, guess: str) -> Problem:
    """What is said of such a keyword.

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
    """Why a text that begins like a list or an object is none; empty for one that is, and for any other text.

    Nothing of the text is in the reason: there may be a secret inside.
    """
    import json

    if text[:1] not in ("[", "{"):
        return ""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at character {error.pos + 1}"
    except RecursionError:
        what = "it is nested too deeply"
    except ValueError as error:
        what = f"{error} is not a JSON value"
    else:
        return ""
    return f"it begins like JSON and is not valid: {what}"


def _refuse_constant(word: str) -> Any:
    raise ValueError(word)
