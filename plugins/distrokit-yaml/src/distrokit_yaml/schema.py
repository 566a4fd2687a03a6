"""Leaves out what does not fit the schema, part by part, with the place, what was expected, and the nearest key."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from distrokit import Problem, Value, did_you_mean

Steps = tuple[str | int, ...]

#: After so many rounds nothing is left to take out: every round takes out a part.
_ROUNDS = 100


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
    """
    validator = Draft202012Validator(schema())
    gone: set[Steps] = set()
    found: list[Problem] = []
    for _ in range(_ROUNDS):
        errors: list[Any] = sorted(
            validator.iter_errors(model.plain()), key=lambda e: (-len(e.absolute_path), str(e.absolute_path))
        )
        if not errors:
            break
        changes: dict[Steps, Any] = {}
        for error in errors:
            changes.update(_mend(error, model, gone, found))
        gone.update(path for path, new in changes.items() if new is None)
        # From the end, so that the positions of what is left stay right.
        for path in sorted(changes, key=_order, reverse=True):
            model = _changed(model, path, changes[path])
    problems.extend(sorted(found, key=_place))
    return model


def _place(problem: Problem) -> tuple[int, int]:
    """Line and column, as the subject begins with them."""
    *_, line, column = problem.subject.split(" ", 1)[0].rsplit(":", 2)
    return int(line), int(column)


def _order(path: Steps) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _mend(error: Any, model: Value[Any], gone: set[Steps], problems: list[Problem]) -> dict[Steps, Any]:
    """What to change so that this error is gone: paths to new values, ``None`` to take the part out."""
    path: Steps = tuple(error.absolute_path)
    node = _at(model, path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        extra = [name for name in error.instance if name not in known]
        for name in extra:
            child = node.value[name]
            _report(problems, child, name, "there is no such key here", "it has no effect", _nearest(name, known))
        return {(*path, name): None for name in extra}
    if error.validator == "enum" and isinstance(error.instance, str):
        for choice in error.validator_value:
            if isinstance(choice, str) and choice.lower() == error.instance.lower():
                return {path: choice}
    if any(other[: len(path)] == path for other in gone):
        # It is what is left after something inside was taken out, which was said.
        return {path: None}
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        no = f"it has no {' and no '.join(missing)}"
        _report(problems, node, _called(path), no, "it is left out", f"Add {missing[0]}.")
        return {path: None}
    container = isinstance(error.instance, (dict, list))
    hint = did_you_mean(str(error.instance), map(str, error.validator_value)) if error.validator == "enum" else ""
    _report(
        problems,
        node,
        _called(path) if container or error.instance is None else f"{_called(path)}={error.instance!r}",
        f"not usable: {_expected(error)}",
        "it is left out" if container else "it is taken for unset",
        hint or "Correct it.",
    )
    return {path: None}


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
