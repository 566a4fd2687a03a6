"""``distrokit guard test``: shows what redaction makes of a text, or of items in OTLP/JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from distrokit import Reader, Settings, __version__
from distrokit_guard.redaction.otlp_json import Change, JSONRedactor, is_otlp
from distrokit_guard.redaction.redactor import Redactor
from distrokit_guard.redaction_parameters import (
    ACTION,
    KEYS,
    KINDS,
    PATTERNS_FILE,
    RULES,
    CheckedPatterns,
    redaction_parameters,
)
from distrokit_guard.redaction_parts import make_redactor

_NAME = "distrokit guard test"
_FOUND, _WRONG = 1, 2


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    try:
        text = _read(arguments.file)
    except (OSError, ValueError) as error:
        _say(f"{arguments.file}: it cannot be read: {getattr(error, 'strerror', None) or error}")
        return _WRONG
    settings = _settings(arguments)
    reader = Reader(settings, f"guard {__version__}")
    checked: CheckedPatterns = {}
    parameters, refused = redaction_parameters(reader, checked)
    for problem in reader.problems:
        _say(settings.mask(f"{problem.subject}: {problem.cause}. {problem.remedy}"))
    if refused:
        return _WRONG
    try:
        redactor = make_redactor({name: value.value for name, value in parameters.items()}, checked)
    except ValueError:
        _say(f"there are no rules; use --redact all, or set {' or '.join(RULES)}")
        return _WRONG
    result, changes = _redact(text, redactor, lines=arguments.lines)
    _show(result, changes, as_json=arguments.json)
    return _FOUND if changes else 0


def _read(name: str) -> str:
    if name != "-":
        # Bytes that are no text are shown as they are.
        return Path(name).read_text("utf-8", "surrogateescape")
    if sys.stdin is None:
        raise ValueError("there is no standard input")
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings in effect, with the options in place of theirs."""
    options = {
        KINDS: arguments.redact,
        KEYS: arguments.keys,
        PATTERNS_FILE: arguments.patterns_file and str(Path(arguments.patterns_file).resolve()),
        ACTION: arguments.action,
    }
    given = {name: value for name, value in options.items() if value is not None}
    assembly = arguments.assembly
    settings: Settings = (assembly.again(**given) if given else assembly).plan.settings
    return settings


def _redact(text: str, redactor: Redactor, *, lines: bool) -> tuple[Any, list[Change]]:
    """Return the result, a document of JSON, several of them, or a text; and the changes."""
    walker = JSONRedactor(redactor)
    documents = _documents(text)
    if documents:
        several = len(documents) > 1
        results = [walker.redact(one, f"{number}:" if several else "") for number, one in enumerate(documents, 1)]
        return (results if several else results[0]), walker.changes
    if lines:
        redacted = [walker.text(line, f"line {number}") for number, line in enumerate(text.splitlines(), 1)]
        return "".join(f"{line}\n" for line in redacted), walker.changes
    result = walker.text(text, "text")
    places = [
        Change(f"line {text.count(chr(10), 0, start) + 1}, column {start - text.rfind(chr(10), 0, start)}", (rule,))
        for start, _, rule in sorted(redactor.find(text))
    ]
    # A place inside JSON has no line of its own.
    return result, (places or walker.changes) if walker.changes else []


def _documents(text: str) -> list[Any]:
    """Return the requests of OTLP in a text: one, or one a line; nothing if it has anything else."""
    for parts in ([text], [line for line in text.splitlines() if line.strip()]):
        try:
            documents = [json.loads(part) for part in parts]
        except (ValueError, RecursionError):
            continue
        if documents and all(map(is_otlp, documents)):
            return documents
    return []


def _show(result: Any, changes: list[Change], *, as_json: bool) -> None:
    if as_json:
        places = [{"place": change.place, "rules": list(change.rules)} for change in changes]
        _write(json.dumps({"result": result, "changes": places}, indent=2) + "\n")
        return
    if isinstance(result, str):
        _write(result)
    elif isinstance(result, list):
        _write("".join(json.dumps(one) + "\n" for one in result))
    else:
        _write(json.dumps(result, indent=2) + "\n")
    sys.stdout.flush()
    for change in changes:
        _say(f"{change.place}: {', '.join(change.rules)}")


def _write(text: str) -> None:
    sys.stdout.write(text.encode("utf-8", "replace").decode())


def _say(text: str) -> None:
    sys.stderr.write(f"{_NAME}: {text}\n")
