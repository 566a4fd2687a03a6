"""Leaves out parts that do not match the schema, and reports place, expected value and nearest key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import distribution
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from distrokit import Problem, Value, did_you_mean, is_secret
from distrokit_yaml.nodes import UnusableFileError

Steps = tuple[str | int, ...]

#: Maximum number of rounds; each one removes a part.
_ROUNDS = 100
#: Maximum number of mistakes; a file with more is not a configuration.
_MOST = 100
_MAY_BE_EMPTY = ("processors", "readers")
_SINGULAR = {"views": "view", "rules": "rule", "tracers": "matcher", "meters": "matcher", "loggers": "matcher"}


def schema() -> dict[str, Any]:
    """Load the schema of the installed ``opentelemetry-configuration`` without importing the package.

    The import would import the SDK, whose settings must be checked before.
    """
    file = distribution("opentelemetry-configuration").locate_file("opentelemetry/configuration/schema.json")
    loaded: dict[str, Any] = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    return loaded


def fitting(model: Value[Any], problems: list[Problem]) -> Value[Any]:
    """Return the model without parts that do not match the schema.

    Args:
        problems: one problem per part that is left out is appended.

    Raises: :class:`UnusableFileError` if too many parts do not match.
    """
    validator = Draft202012Validator(schema())
    removed: set[Steps] = set()
    found: list[Problem] = []
    for _ in range(_ROUNDS):
        errors: list[Any] = list(islice(validator.iter_errors(model.plain()), _MOST + 1))
        if len(errors) > _MOST:
            raise UnusableFileError(f"more than {_MOST} parts of it do not match the schema")
        errors.sort(key=lambda e: (-len(e.absolute_path), str(e.absolute_path)))
        changes: dict[Steps, Any] = {}
        for error in errors:
            changes.update(_correct(error, model, removed, found))
        if not changes:
            break
        removed.update(path for path, new in changes.items() if new is None)
        # From the end, so that the remaining positions stay valid.
        for path in sorted(changes, key=_order, reverse=True):
            model = _replace(model, path, changes[path])
    problems.extend(sorted(dict.fromkeys(found), key=_place))
    return model


def _place(problem: Problem) -> tuple[int, int]:
    """Return line and column from the subject."""
    match = re.search(r":([0-9]+):([0-9]+)(?: |$)", problem.subject)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _order(path: Steps) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _correct(error: Any, model: Value[Any], removed: set[Steps], problems: list[Problem]) -> dict[Steps, Any]:
    """Return the changes that remove this error: paths to new values, ``None`` to remove the part."""
    path: Steps = tuple(error.absolute_path)
    node = _at(model, path)
    if (equivalent := _equivalent(error)) is not None:
        return {path: equivalent}
    derived = any(other[: len(path)] == path for other in removed)
    if error.validator == "minItems" and path[-1] in _MAY_BE_EMPTY:
        # Keep the provider: ids and propagation work without an exporter.
        if not derived:
            _report(problems, node, _name(path), "the list is empty", "it exports nothing", "Add one.")
        return {}
    if derived:
        # A follow-up error: the part inside was removed and reported.
        return {path: None}
    outer = _enclosing(path)
    taken, left_out = (
        (outer, f"the whole {_SINGULAR[str(outer[-2])]} is left out") if outer else (path, "it is left out")
    )
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        extra = [name for name in error.instance if name not in known]
        outcome = left_out if outer else "it has no effect"
        for name in extra:
            _report(problems, node.value[name], name, "unknown key", outcome, _nearest(name, known))
        return {outer: None} if outer else {(*path, name): None for name in extra}
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        no = f"it has no {' and no '.join(missing)}"
        _report(problems, node, _name(path), no, left_out, f"Add {missing[0]}.")
        return {taken: None}
    container = isinstance(error.instance, (dict, list))
    hint = did_you_mean(str(error.instance), map(str, error.validator_value)) if error.validator == "enum" else ""
    shown = "****" if any(is_secret(str(step)) for step in path) else repr(error.instance)
    _report(
        problems,
        node,
        _name(path) if container or error.instance is None else f"{_name(path)}={shown}",
        f"not usable: {_expected(error)}",
        left_out if container or outer else "it is taken for unset",
        hint or "Correct it.",
    )
    return {taken: None}


def _equivalent(error: Any) -> Any:
    """Return the value as the schema spells it (case, number as string); ``None`` if it is ambiguous."""
    instance = error.instance
    if error.validator == "enum" and isinstance(instance, str):
        return next((c for c in error.validator_value if isinstance(c, str) and c.lower() == instance.lower()), None)
    kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    if error.validator == "type" and "string" in kinds and isinstance(instance, (int, float)):
        # An API key or a version may look like a number, especially from a variable.
        return None if isinstance(instance, bool) else str(instance)
    return None


def _enclosing(path: Steps) -> Steps:
    """Return the path of the view or rule around a mistake: without one of its conditions it would match too much."""
    for position in range(len(path) - 1, 0, -1):
        if isinstance(path[position], int) and path[position - 1] in _SINGULAR:
            return path[: position + 1]
    return ()


def _expected(error: Any) -> str:
    value = error.validator_value
    if error.validator == "type":
        kinds = [value] if isinstance(value, str) else value
        words = {
            "object": "a mapping",
            "array": "a list",
            "null": "nothing",
            "string": "text",
            "integer": "a whole number",
            "number": "a number",
            "boolean": "true or false",
        }
        return f"expected {' or '.join(words.get(kind, kind) for kind in kinds)}"
    texts: dict[str, Callable[[], str]] = {
        "enum": lambda: f"valid values are {', '.join(str(v) for v in value if v is not None)}",
        "minimum": lambda: f"it must be {value} or more",
        "exclusiveMinimum": lambda: f"it must be more than {value}",
        "maximum": lambda: f"it must be {value} or less",
        "exclusiveMaximum": lambda: f"it must be less than {value}",
        "minItems": lambda: "the list is empty",
        "minProperties": lambda: "expected one name with its properties, and there is none",
        "maxProperties": lambda: f"expected one name with its properties, and there are {', '.join(error.instance)}",
        "anyOf": lambda: "expected text, a number, true or false, or a list of one kind",
        "oneOf": lambda: "expected text, a number, true or false, or a list of one kind",
    }
    return texts[error.validator]() if error.validator in texts else "it does not match the schema"


def _name(path: Steps) -> str:
    """Return the part's name; for an item of a list, the list's name."""
    names = [step for step in path if isinstance(step, str)]
    return names[-1] if names else "the file"


def _nearest(name: str, known: list[str]) -> str:
    return did_you_mean(name, known) or f"Valid keys: {', '.join(sorted(known)) or 'none'}."


def _report(problems: list[Problem], node: Value[Any], what: str, cause: str, outcome: str, remedy: str) -> None:
    problems.append(
        Problem(
            code="file-invalid",
            subject=f"{node.source} {what}",
            cause=cause,
            outcome=outcome,
            remedy=remedy,
            severity="warning",
        )
    )


def _at(node: Value[Any], path: Steps) -> Value[Any]:
    for step in path:
        node = node.value[step]
    return node


def _replace(node: Value[Any], path: Steps, new: Any) -> Value[Any]:
    """Return the tree with a new value at ``path``, or without that part if ``new`` is ``None``."""
    if not path:
        return Value({}, node.source) if new is None else Value(new, node.source)
    step, *rest = path
    children: dict[Any, Any]
    # Treat a list as a mapping of positions.
    children = dict(node.value) if isinstance(node.value, dict) else dict(enumerate(node.value))
    if step not in children:
        return node
    if rest or new is not None:
        children[step] = _replace(children[step], tuple(rest), new)
    else:
        del children[step]
    return Value(children if isinstance(node.value, dict) else list(children.values()), node.source)
