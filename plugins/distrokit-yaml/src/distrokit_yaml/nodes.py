"""Parses YAML into values with line and column. PyYAML parses; types and references follow the specification.

``opentelemetry.configuration.load_config_file`` is not used: it imports the SDK, which reads the environment on import
and fails on invalid values; it has no line numbers; and it accepts references that the specification calls errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from distrokit import Problem, Source, Value

#: Maximum number of nodes: aliases of aliases expand ten lines to billions of nodes.
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
# Parts of a secret that may be shown: references without a default, header names, authorization schemes.
_PART = r"(?:[\w.-]+=)?(?:(?:Bearer|Basic|Token|Api-Key)(?: |%20))?\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_]*\}"
_NO_SECRET = re.compile(rf"{_PART}(?:,{_PART})*", re.IGNORECASE)


class UnusableFileError(Exception):
    """The file as a whole cannot be used.

    Args:
        line, column: the place, from 1; 0 for the whole file.
    """

    def __init__(self, cause: str, line: int = 0, column: int = 0) -> None:
        super().__init__(cause)
        self.line = line
        self.column = column


class _Loader(yaml.SafeLoader):
    """Does not resolve the types of plain scalars: YAML 1.2's types apply, after substitution."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # untyped in the stubs


def nodes_of(text: str, path: str, environ: Mapping[str, str], problems: list[Problem]) -> Value[Any]:
    """Parse the document into a tree of values, each with its line and column.

    Args:
        problems: duplicate keys and references to unset variables are appended.

    Raises: :class:`UnusableFileError`.
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
        raise UnusableFileError(cause, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnusableFileError(f"it is not YAML: {str(error).splitlines()[0]}") from error
    if root is None:
        raise UnusableFileError("it is empty")
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
        """Convert one node; ``above`` has the ids of the nodes around it."""
        self._count += 1
        if self._count > MOST_NODES:
            raise UnusableFileError(f"it expands to more than {MOST_NODES:,} nodes", mark.line + 1, mark.column + 1)
        if id(node) in above or len(above) > DEEPEST:
            cause = "an alias is inside its own anchor" if id(node) in above else "it is nested too deeply"
            raise UnusableFileError(cause, mark.line + 1, mark.column + 1)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
            raise UnusableFileError(
                f"{node.tag} is not a valid type in a configuration", mark.line + 1, mark.column + 1
            )
        inside = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            return Value(self._mapping(node, inside), self._source(mark))
        if isinstance(node, yaml.SequenceNode):
            items = [self._node(item, item.start_mark, inside) for item in node.value]
            return Value(items, self._source(mark))
        if id(node) not in self._scalars:
            # All aliases of a node share one text.
            text = str(node.value)
            self._scalars[id(node)] = self._scalar(node, mark), text if _NO_SECRET.fullmatch(text) else ""
        value, written = self._scalars[id(node)]
        return Value(value, self._source(mark, written))

    def _mapping(self, node: yaml.MappingNode, inside: tuple[int, ...]) -> dict[str, Value[Any]]:
        own: dict[str, Value[Any]] = {}
        merged: dict[str, Value[Any]] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                mark = key_node.start_mark
                raise UnusableFileError("a key is a list or a mapping", mark.line + 1, mark.column + 1)
            if key == "<<" and key_node.tag == _PLAIN:
                for name, value in self._merged(value_node, inside).items():
                    merged.setdefault(name, value)
                continue
            if key in own:
                self._report_duplicate(key, key_node.start_mark)
            # The source of a value is the place of its key.
            own[key] = self._node(value_node, key_node.start_mark, inside)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, inside: tuple[int, ...]) -> dict[str, Value[Any]]:
        """Merge the mappings of ``<<``; the first one wins. It is YAML 1.1, and in common use."""
        merged: dict[str, Value[Any]] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            value = self._node(source, source.start_mark, inside).value
            if not isinstance(value, dict):
                mark = source.start_mark
                raise UnusableFileError("<< takes mappings only", mark.line + 1, mark.column + 1)
            for name, child in value.items():
                merged.setdefault(name, child)
        return merged

    def _scalar(self, node: yaml.Node, mark: yaml.Mark) -> Any:
        text = self._substitute(str(node.value), mark)
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
        raise UnusableFileError(f"{text!r} is not of the type !{name}", mark.line + 1, mark.column + 1)

    def _substitute(self, text: str, mark: yaml.Mark) -> str:
        """Replace references by the variables they name; a replaced value is not searched again."""
        if "$" not in text:
            return text
        return "$".join(self._replace_references(part, mark) for part in text.split("$$"))

    def _replace_references(self, text: str, mark: yaml.Mark) -> str:
        """Replace from left to right, in one pass: one regular expression over the text would backtrack."""
        done: list[str] = []
        rest = 0
        while (start := text.find("${", rest)) >= 0 and (end := text.find("}", start)) >= 0:
            reference = text[start : end + 1]
            match = _REFERENCE.fullmatch(reference)
            if match is None and reference != "${}":
                shown = reference if len(reference) < 60 else reference[:57] + "…"
                cause = f"{shown} is not a valid reference; write ${{NAME}}, ${{NAME:-default}} or $$"
                raise UnusableFileError(cause, mark.line + 1, mark.column + 1)
            done += [text[rest:start], self._variable(match[1], match[2], mark) if match else reference]
            rest = end + 1
        return "".join([*done, text[rest:]])

    def _variable(self, name: str, default: str | None, mark: yaml.Mark) -> str:
        found = self._environ.get(name, "")
        if not found and default is None and not name.startswith("OTEL_"):
            # OpenTelemetry's own variables are optional; a file may list them all.
            self._unset.setdefault(name, mark)
        # A variable may have bytes that are not UTF-8.
        return (found or default or "").encode("utf-8", "replace").decode()

    def _report_duplicate(self, key: str, mark: yaml.Mark) -> None:
        self._problems.append(
            Problem(
                code="file-key-twice",
                subject=f"{self._source(mark)} {key}",
                cause="duplicate key",
                outcome="the last one is used",
                remedy="Remove one.",
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
                outcome="they are replaced by nothing",
                remedy="Set them, or write a default: ${NAME:-default}, or ${NAME:-} for an empty one.",
                severity="warning",
            )
        )


def resolved(text: str) -> Any:
    """Convert a plain scalar to its type in YAML 1.2's core schema."""
    if text in _NULL:
        return None
    if text.lower() in _BOOL and text in (text.lower(), text.upper(), text.capitalize()):
        return _BOOL[text.lower()]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        # Python refuses to parse longer integers, and no setting is that large.
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
