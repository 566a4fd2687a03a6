"""YAML text into values that know their line: parsing is PyYAML's, types and references are the specification's.

``opentelemetry.configuration.load_config_file`` is not used here: it imports the SDK, which reads the
environment while it is imported and fails on what it finds there; it knows no lines; and it keeps
references as text that the specification calls errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from distrokit import Problem, Source, Value

#: Nodes that a file may unfold into: aliases of aliases make billions out of ten lines.
MOST_NODES = 20_000
DEEPEST = 60

_PLAIN = "plain"
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_NULL, _BOOL = frozenset({"", "~", "null", "Null", "NULL"}), {"true": True, "false": False}
# YAML 1.2, 10.3.2, tag resolution of the core schema.
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
# Specification, configuration data model, "Environment variable substitution".
_REFERENCE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}")
# What may be shown of a secret: references without a default, names of headers, and schemes of authorization.
_PART = r"(?:[\w.-]+=)?(?:(?:Bearer|Basic|Token|Api-Key)(?: |%20))?\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_]*\}"
_NOTHING_ELSE = re.compile(rf"{_PART}(?:,{_PART})*", re.IGNORECASE)


class Unusable(Exception):  # noqa: N818  (what it says is of a file)
    """The file as a whole cannot be used.

    Args:
        line, column: where, from 1; 0 for nowhere in particular.
    """

    def __init__(self, cause: str, line: int = 0, column: int = 0) -> None:
        super().__init__(cause)
        self.line = line
        self.column = column


class _Loader(yaml.SafeLoader):
    """Leaves the types of plain scalars open: they are those of YAML 1.2, after substitution."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # so it is in the stubs


def nodes_of(text: str, path: str, environ: Mapping[str, str], problems: list[Problem]) -> Value[Any]:
    """The document as a tree of values, each with its line and column.

    Args:
        problems: receives keys that are there twice, and references to nothing.

    Raises: :class:`Unusable`.
    """
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = f"it is not YAML: {error.problem or error.context}"
        raise Unusable(cause, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0) from error
    except (yaml.YAMLError, ValueError) as error:
        raise Unusable(f"it is not YAML: {str(error).splitlines()[0]}") from error
    if root is None:
        raise Unusable("it is empty")
    return _Tree(path, environ, problems).of(root)


class _Tree:
    def __init__(self, path: str, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self._path = path
        self._environ = environ
        self._problems = problems
        self._count = 0
        self._unset: dict[str, yaml.Mark] = {}
        self._scalars: dict[int, tuple[Any, str]] = {}

    def of(self, root: yaml.Node) -> Value[Any]:
        tree = self._node(root, root.start_mark, ())
        if self._unset:
            self._report_unset()
        return tree

    def _source(self, mark: yaml.Mark, written: str = "") -> Source:
        return Source("file", f"{self._path}:{mark.line + 1}:{mark.column + 1}", written)

    def _node(self, node: yaml.Node, mark: yaml.Mark, above: tuple[int, ...]) -> Value[Any]:
        """One node; ``above`` are those it is inside of."""
        self._count += 1
        if self._count > MOST_NODES:
            raise Unusable(f"it unfolds into more than {MOST_NODES:,} nodes", mark.line + 1, mark.column + 1)
        if id(node) in above or len(above) > DEEPEST:
            cause = "an alias stands inside its own anchor" if id(node) in above else "it is nested too deeply"
            raise Unusable(cause, mark.line + 1, mark.column + 1)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
            raise Unusable(f"{node.tag} is no type of a configuration", mark.line + 1, mark.column + 1)
        inside = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            return Value(self._mapping(node, inside), self._source(mark))
        if isinstance(node, yaml.SequenceNode):
            items = [self._node(item, item.start_mark, inside) for item in node.value]
            return Value(items, self._source(mark))
        if id(node) not in self._scalars:
            # Behind an alias it is the same text, however often.
            text = str(node.value)
            self._scalars[id(node)] = self._scalar(node, mark), text if _NOTHING_ELSE.fullmatch(text) else ""
        value, written = self._scalars[id(node)]
        return Value(value, self._source(mark, written))

    def _mapping(self, node: yaml.MappingNode, inside: tuple[int, ...]) -> dict[str, Value[Any]]:
        own: dict[str, Value[Any]] = {}
        merged: dict[str, Value[Any]] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                mark = key_node.start_mark
                raise Unusable("a key is a list or a mapping", mark.line + 1, mark.column + 1)
            if key == "<<" and key_node.tag == _PLAIN:
                for name, value in self._merged(value_node, inside).items():
                    merged.setdefault(name, value)
                continue
            if key in own:
                self._twice(key, key_node.start_mark)
            # The place of what has a name is the place of its name.
            own[key] = self._node(value_node, key_node.start_mark, inside)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, inside: tuple[int, ...]) -> dict[str, Value[Any]]:
        """``<<``: a mapping, or several, the first of which wins. YAML 1.1 has it, and people use it."""
        merged: dict[str, Value[Any]] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            value = self._node(source, source.start_mark, inside).value
            if not isinstance(value, dict):
                mark = source.start_mark
                raise Unusable("<< takes mappings", mark.line + 1, mark.column + 1)
            for name, child in value.items():
                merged.setdefault(name, child)
        return merged

    def _scalar(self, node: yaml.Node, mark: yaml.Mark) -> Any:
        text = self._substituted(str(node.value), mark)
        if node.tag == _PLAIN:
            return resolved(text)
        if node.tag == "tag:yaml.org,2002:str":
            return text
        name = str(node.tag).removeprefix("tag:yaml.org,2002:")
        typed = resolved(text)
        if {"null": type(None), "bool": bool, "int": int}.get(name) is type(typed):
            return typed
        if name == "float" and isinstance(typed, (int, float)) and not isinstance(typed, bool):
            return float(typed)
        raise Unusable(f"{text!r} is not of the type !{name}", mark.line + 1, mark.column + 1)

    def _substituted(self, text: str, mark: yaml.Mark) -> str:
        """References replaced by the variables they name; what came out of one is not looked at again."""
        if "$" not in text:
            return text
        return "$".join(self._references(part, mark) for part in text.split("$$"))

    def _references(self, text: str, mark: yaml.Mark) -> str:
        """From left to right, in one pass: a pattern over all of it would go back and forth."""
        done: list[str] = []
        rest = 0
        while (start := text.find("${", rest)) >= 0 and (end := text.find("}", start)) >= 0:
            reference = text[start : end + 1]
            match = _REFERENCE.fullmatch(reference)
            if match is None and reference != "${}":
                shown = reference if len(reference) < 60 else reference[:57] + "…"
                cause = f"{shown} is no reference to a variable; write ${{NAME}}, ${{NAME:-default}} or $$"
                raise Unusable(cause, mark.line + 1, mark.column + 1)
            done += [text[rest:start], self._variable(match[1], match[2], mark) if match else reference]
            rest = end + 1
        return "".join([*done, text[rest:]])

    def _variable(self, name: str, default: str | None, mark: yaml.Mark) -> str:
        found = self._environ.get(name, "")
        if not found and default is None and not name.startswith("OTEL_"):
            # OpenTelemetry's own variables are optional, and a file that lists them all is no mistake.
            self._unset.setdefault(name, mark)
        # What is no text in the environment is none here either.
        return (found or default or "").encode("utf-8", "replace").decode()

    def _twice(self, key: str, mark: yaml.Mark) -> None:
        self._problems.append(
            Problem(
                code="file-key-twice",
                subject=f"{self._source(mark)} {key}",
                cause="this key is there twice",
                outcome="the last one counts",
                remedy="Take one out.",
                severity="warning",
            )
        )

    def _report_unset(self) -> None:
        where = ", ".join(f"{name} (line {m.line + 1}, column {m.column + 1})" for name, m in self._unset.items())
        self._problems.append(
            Problem(
                code="file-variable-unset",
                subject=self._path,
                cause=f"it refers to variables that are not set: {where}",
                outcome="what they stand for is empty",
                remedy="Set them, or write a default: ${NAME:-default}; ${NAME:-} for nothing on purpose.",
                severity="warning",
            )
        )


def resolved(text: str) -> Any:
    """A plain scalar in the type that YAML 1.2's core schema gives it."""
    if text in _NULL:
        return None
    if text.lower() in _BOOL and text in (text.lower(), text.upper(), text.capitalize()):
        return _BOOL[text.lower()]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        # Python refuses to read longer ones, and no setting is as large.
        return int(text.removeprefix("0o"), base) if len(text) < 1000 else text
    if _FLOAT.fullmatch(text):
        return float(
            text.replace(".inf", "inf")
            .replace(".Inf", "inf")
            .replace(".INF", "inf")
            .replace(".nan", "nan")
            .replace(".NaN", "nan")
            .replace(".NAN", "nan")
        )
    return text
