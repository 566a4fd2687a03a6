"""Leaves out what does not fit the schema, part by part, with the place, what was expected, and the nearest key."""

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
from distrokit_yaml.nodes import Unusable

Steps = tuple[str | int, ...]

#: After so many rounds nothing is left to take out: every round takes out a part.
_ROUNDS = 100
#: Faults in one file; with more it is something else than a configuration.
_MOST = 100
_MAY_BE_EMPTY = ("processors", "readers")
_SINGULAR = {"views": "view", "rules": "rule", "tracers": "matcher", "meters": "matcher", "loggers": "matcher"}


def schema() -> dict[str, Any]:
    """The schema of the installed ``opentelemetry-configuration``, without importing the package.

    Importing it would import the SDK, which must not happen before its settings are checked.
    """
    file = distribution("opentelemetry-configuration").locate_file("opentelemetry/configuration/schema.json")
    loaded: dict[str, Any] = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    return loaded


def fitting(model: Value[Any], problems: list[Problem]) -> Value[Any]:
    """The model without what does not fit.

    Args:
        problems: receives one problem per part that was left out.

    Raises: :class:`Unusable` when hardly anything fits.
    """
    validator = Draft202012Validator(schema())
    gone: set[Steps] = set()
    found: list[Problem] = []
    for _ in range(_ROUNDS):
        errors: list[Any] = list(islice(validator.iter_errors(model.plain()), _MOST + 1))
        if len(errors) > _MOST:
            raise Unusable(f"more than {_MOST} parts of it do not fit the schema")
        errors.sort(key=lambda e: (-len(e.absolute_path), str(e.absolute_path)))
        changes: dict[Steps, Any] = {}
        for error in errors:
            changes.update(_mend(error, model, gone, found))
        if not changes:
            break
        gone.update(path for path, new in changes.items() if new is None)
        # From the end, so that the positions of what is left stay right.
        for path in sorted(changes, key=_order, reverse=True):
            model = _changed(model, path, changes[path])
    problems.extend(sorted(dict.fromkeys(found), key=_place))
    return model


def _place(problem: Problem) -> tuple[int, int]:
    """Line and column, as the subject begins with them."""
    match = re.search(r":([0-9]+):([0-9]+)(?: |$)", problem.subject)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _order(path: Steps) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _mend(error: Any, model: Value[Any], gone: set[Steps], problems: list[Problem]) -> dict[Steps, Any]:
    """What to change so that this error is gone: paths to new values, ``None`` to take the part out."""
    path: Steps = tuple(error.absolute_path)
    node = _at(model, path)
    if (same := _same(error)) is not None:
        return {path: same}
    derived = any(other[: len(path)] == path for other in gone)
    if error.validator == "minItems" and path[-1] in _MAY_BE_EMPTY:
        # The provider stays, with its ids and its propagation, though nothing is exported.
        if not derived:
            _report(problems, node, _called(path), "the list is empty", "nothing is exported by it", "Add one.")
        return {}
    if derived:
        # It is what is left after something inside was taken out, which was said.
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
            _report(problems, node.value[name], name, "there is no such key here", outcome, _nearest(name, known))
        return {outer: None} if outer else {(*path, name): None for name in extra}
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        no = f"it has no {' and no '.join(missing)}"
        _report(problems, node, _called(path), no, left_out, f"Add {missing[0]}.")
        return {taken: None}
    container = isinstance(error.instance, (dict, list))
    hint = did_you_mean(str(error.instance), map(str, error.validator_value)) if error.validator == "enum" else ""
    shown = "****" if any(is_secret(str(step)) for step in path) else repr(error.instance)
    _report(
        problems,
        node,
        _called(path) if container or error.instance is None else f"{_called(path)}={shown}",
        f"not usable: {_expected(error)}",
        left_out if container or outer else "it is taken for unset",
        hint or "Correct it.",
    )
    return {taken: None}


def _same(error: Any) -> Any:
    """The value in the form the schema has it, where that is no matter of opinion; ``None`` where it is."""
    instance = error.instance
    if error.validator == "enum" and isinstance(instance, str):
        return next((c for c in error.validator_value if isinstance(c, str) and c.lower() == instance.lower()), None)
    kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    if error.validator == "type" and "string" in kinds and isinstance(instance, (int, float)):
        # A key or a version that happens to be a number, above all out of a variable.
        return None if isinstance(instance, bool) else str(instance)
    return None


def _enclosing(path: Steps) -> Steps:
    """The view or the rule that a mistake stands in: without one of its conditions it would fit too much."""
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
    return texts[error.validator]() if error.validator in texts else "it does not fit the schema"


def _called(path: Steps) -> str:
    """The part's own name; for an item of a list, the list's."""
    names = [step for step in path if isinstance(step, str)]
    return names[-1] if names else "the file"


def _nearest(name: str, known: list[str]) -> str:
    return did_you_mean(name, known) or f"There are {', '.join(sorted(known)) or 'none'}."


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


def _changed(node: Value[Any], path: Steps, new: Any) -> Value[Any]:
    """The tree with another value at ``path``; without it where ``new`` is ``None``, if it is still there."""
    if not path:
        return Value({}, node.source) if new is None else Value(new, node.source)
    step, *rest = path
    children: dict[Any, Any]
    # A list as a mapping of its positions: one way for both.
    children = dict(node.value) if isinstance(node.value, dict) else dict(enumerate(node.value))
    if step not in children:
        return node
    if rest or new is not None:
        children[step] = _changed(children[step], tuple(rest), new)
    else:
        del children[step]
    return Value(children if isinstance(node.value, dict) else list(children.values()), node.source)
