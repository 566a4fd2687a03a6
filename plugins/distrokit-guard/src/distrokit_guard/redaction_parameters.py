"""Reads what is redacted, and how; and how large an item may be.

A rule that cannot be used is a problem that names it, and then nothing is redacted: a part of the rules would look like
all of them. Since the processor is required, its signals are not exported until the rule is corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from distrokit import Problem, Reader, Setting, Value, did_you_mean
from distrokit_guard.globs import parse_globs
from distrokit_guard.redaction import names

KINDS, KEYS, PATTERNS, PATTERNS_FILE, ACTION = (
    f"DISTROKIT_GUARD_REDACT{name}" for name in ("", "_KEYS", "_PATTERNS", "_PATTERNS_FILE", "_ACTION")
)
HASH_SECRET, MAX_VALUE_LENGTH, MAX_ITEM_BYTES = (
    f"DISTROKIT_GUARD_{name}" for name in ("HASH_SECRET", "MAX_VALUE_LENGTH", "MAX_ITEM_BYTES")
)
#: The settings that turn redaction on.
RULES = (KINDS, KEYS, PATTERNS, PATTERNS_FILE)

ALL = "all"
_DEFAULT_LENGTH = 65_536
#: An item needs room for its ids, its times and its name.
SMALLEST_ITEM = 1024
#: The shortest key of a hash, in characters.
_SHORTEST_SECRET = 16
#: The largest file of patterns, in bytes.
_LARGEST_FILE = 4 * 1024 * 1024
_OUTCOME = "nothing is redacted, so the signal is not exported"


def _setting(name: str, kind: str, meaning: str, *, default: str = "", unit: str = "") -> Setting:
    return Setting(name=name, kind=kind, consumer="guard", meaning=meaning, parameter=True, default=default, unit=unit)


REDACTION_SETTINGS = (
    _setting(
        KINDS,
        "list of names",
        f"the kinds of secrets that are redacted wherever they are: {', '.join(names.KINDS)}; `{ALL}` for all of them",
    ),
    _setting(
        KEYS,
        "list of names",
        "names or patterns (`*`, `?`) of attributes whose values are redacted, in any case; of keys in nested values "
        "and in JSON inside texts, too: `*password*,enduser.id`",
    ),
    _setting(
        PATTERNS,
        "lines of name: regex",
        "regular expressions of secrets, one `name: regex` a line; a group named `secret` is redacted alone",
    ),
    _setting(PATTERNS_FILE, "absolute path", "a file with such lines; those that begin with `#` are comments"),
    _setting(
        ACTION,
        "one of mask, hash, remove",
        "`mask` writes the name of the rule in place of a secret; `hash` also a keyed hash, so that equal secrets stay "
        "equal; `remove` nothing",
        default="mask",
    ),
    _setting(
        HASH_SECRET,
        "text",
        "the secret key of `hash`, at least 16 characters",
    ),
    _setting(f"{HASH_SECRET}_FILE", "path", "a file that holds this secret"),
    _setting(
        MAX_VALUE_LENGTH,
        "integer",
        "a text longer than this is cut before it is scanned; the cut leaves no part of a secret",
        default=str(_DEFAULT_LENGTH),
        unit="characters",
    ),
    _setting(
        MAX_ITEM_BYTES,
        "integer",
        "a span or log record that is larger when it is encoded loses the ends of its longest values, and has the "
        "attribute `distrokit.shrunk.bytes` then",
        unit="bytes",
    ),
)


class InvalidRedactionError(ValueError):
    """A rule cannot be used.

    Attributes:
        problem: the first problem, which was reported while the plan was made.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


#: Patterns that were checked already, by their text and the names that were taken.
CheckedPatterns = dict[tuple[str, tuple[str, ...]], Any]


def redaction_parameters(reader: Reader, checked: CheckedPatterns) -> tuple[dict[str, Value[Any]], list[Problem]]:
    """Read the rules.

    Args:
        checked: receives the patterns.

    Returns: ``kinds`` and ``keys``, tuples of texts; ``patterns``, a text, and ``patterns_file``, a path; ``action``;
        ``hash_secret``; ``max_value_length``, in characters. And the problems that forbid to redact; they are reported.
    """
    return _RedactionReader(reader, checked).read()


def read_patterns(arguments: Mapping[str, Any], checked: CheckedPatterns) -> tuple[list[Any], list[Problem]]:
    """Return the patterns of both settings, and the problems of those that were refused.

    Args:
        arguments: ``patterns`` and ``patterns_file``.
        checked: receives the patterns.
    """
    problems: list[Problem] = []
    taken = list(names.KINDS)
    patterns = _check_lines(PATTERNS, arguments.get("patterns", ""), taken, checked, problems)
    path = arguments.get("patterns_file", "")
    if path:
        taken += [pattern.name for pattern in patterns]
        patterns += _check_lines(path, _read_file(path, problems), taken, checked, problems)
    return patterns, problems


def _check_lines(
    where: str, text: str, taken: Sequence[str], checked: CheckedPatterns, problems: list[Problem]
) -> list[Any]:
    if not text:
        return []
    key = (text, tuple(taken))
    if key not in checked:
        # The check takes a while, and its modules are for those who have patterns.
        from distrokit_guard.redaction.patterns.lines import read_lines

        checked[key] = read_lines(text, taken)
    for refusal in checked[key].refusals:
        subject = f"{where}, line {refusal.line}" + (f", pattern {refusal.name}" if refusal.name else "")
        problems.append(_refuse(subject, refusal.reason, refusal.remedy))
    return list(checked[key].patterns)


def _read_file(path: str, problems: list[Problem]) -> str:
    subject, remedy = f"{PATTERNS_FILE}={path}", f"Correct the file, or unset {PATTERNS_FILE}."
    cause, text = "", ""
    try:
        if not Path(path).is_absolute():
            cause = "it must be an absolute path"
        elif Path(path).stat().st_size > _LARGEST_FILE:
            cause = f"it is larger than {_LARGEST_FILE:,} bytes"
        else:
            text = Path(path).read_text("utf-8")
            if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
                cause = "it has no pattern"
    except (OSError, ValueError) as error:
        cause = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    if cause:
        problems.append(_refuse(subject, cause, remedy))
    return text


def _refuse(subject: str, cause: str, remedy: str) -> Problem:
    return Problem(code="rule-refused", subject=subject, cause=cause, outcome=_OUTCOME, remedy=remedy)


def shrinking_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read ``max_item_bytes``; without a limit nothing is shrunk."""
    limit = reader.integer(MAX_ITEM_BYTES, 0, minimum=SMALLEST_ITEM, key="max_item_bytes")
    # A wrong limit was reported.
    reader.refused = bool(reader.problems) and not limit.value
    return {"max_item_bytes": limit}


class _RedactionReader:
    def __init__(self, reader: Reader, checked: CheckedPatterns) -> None:
        self._reader, self._checked = reader, checked
        self._problems: list[Problem] = []

    def read(self) -> tuple[dict[str, Value[Any]], list[Problem]]:
        reader = self._reader
        parameters: dict[str, Value[Any]] = {
            "kinds": self._read(KINDS, "kinds", _parse_kinds),
            "keys": self._read(KEYS, "keys", parse_globs),
            "action": self._read(ACTION, "action", _parse_action, "mask"),
            "hash_secret": reader.text(HASH_SECRET, key="hash_secret", secret=True),
            "patterns": reader.text(PATTERNS, key="patterns"),
            "patterns_file": reader.text(PATTERNS_FILE, key="patterns_file"),
            "max_value_length": reader.integer(
                MAX_VALUE_LENGTH, _DEFAULT_LENGTH, minimum=names.SHORTEST_LIMIT, key="max_value_length"
            ),
        }
        if parameters["action"].value == "hash":
            self._check_secret(parameters["hash_secret"].value)
        texts = {name: parameters[name].value for name in ("patterns", "patterns_file")}
        self._problems += read_patterns(texts, self._checked)[1]
        reader.problems += self._problems
        return parameters, self._problems

    def _read(self, name: str, key: str, parse: Callable[[str], Any], default: Any = ()) -> Value[Any]:
        """Read a value; unlike the reader, one that is wrong does not fall back to a weaker source."""
        node = self._reader.node(key)
        if node is not None and isinstance(node.value, (list, tuple)):
            raw = Value(",".join(str(item) for item in node.plain()), node.source)
        else:
            raw = self._reader.text(name, key=key)
        if raw.value:
            try:
                return Value(parse(raw.value), raw.source, raw.overridden, key=key)
            except ValueError as error:
                reason, *hint = map(str, error.args)
                remedy = " ".join([*hint, f"Correct {raw.source}."])
                self._problems.append(_refuse(f"{name}={raw.value}", reason, remedy))
        return self._reader.default(default, key)

    def _check_secret(self, secret: str) -> None:
        if not secret:
            remedy = f"Set {HASH_SECRET}, or {HASH_SECRET}_FILE."
            self._problems.append(_refuse(f"{ACTION}=hash", "it needs a key", remedy))
        elif len(secret) < _SHORTEST_SECRET:
            cause = f"it is shorter than {_SHORTEST_SECRET} characters"
            self._problems.append(_refuse(HASH_SECRET, cause, "Set a longer one: openssl rand -hex 32"))


def _parse_kinds(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if ALL in found:
        return names.KINDS
    for name in found:
        if name not in names.KINDS:
            known = [*names.KINDS, ALL]
            raise ValueError(f"there is no kind {name!r}; there are {', '.join(known)}", did_you_mean(name, known))
    return found


def _parse_action(text: str) -> str:
    if text.lower() not in names.ACTIONS:
        raise ValueError(f"valid values are {', '.join(names.ACTIONS)}", did_you_mean(text, names.ACTIONS))
    return text.lower()
