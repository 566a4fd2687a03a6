"""Reads YAML and JSON as plain data, within bounds, and finds the line and column of each part again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

#: The largest text, in bytes; the largest one of YAML, which takes much longer to read; and the most values in it.
MOST_BYTES, MOST_YAML_BYTES, MOST_VALUES = 64_000_000, 8_000_000, 2_000_000
_DEEPEST = 64
#: In longer texts no part is located.
_MOST_LOCATED = 1_000_000
Path = Sequence["str | int"]


class DocumentError(ValueError):
    """A text that cannot be read.

    Args:
        reason: why.
        place: ``line:column``, from 1; empty if it is not known.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason, self.place = reason, place


class Document:
    """What was read.

    Args:
        data: mappings, lists, texts, numbers, booleans and ``None``.
        text: which it was read from.
        places: of the policies in it, as far as reading has found them.
    """

    def __init__(self, data: Any, text: str, places: Sequence[str] = ()) -> None:
        self.data, self._text, self.places = data, text, places
        self._tree: Any = None

    def locate(self, path: Path) -> str:
        """Return ``line:column``, from 1, of a part, or of the last part on the way that there is.

        The text is read again for it, once until :meth:`forget`.
        """
        if self._tree is None and len(self._text) <= _MOST_LOCATED:
            try:
                self._tree = _compose(self._text)
            except DocumentError:
                # JSON that is no YAML.
                return ""
        node = self._tree
        for key in path:
            inner = _inner(node, key)
            if inner is None:
                break
            node = inner
        return _place(node.start_mark) if node is not None else ""

    def forget(self) -> None:
        """Free the memory that :meth:`locate` needs."""
        self._tree = None


def read_document(data: bytes, *, is_json: bool = False) -> Document:
    """Read a text; several documents of YAML become a list.

    Args:
        data: in UTF-8.
        is_json: whether it must be JSON; other texts are YAML, of which JSON is nearly a part.

    Raises:
        DocumentError: it cannot be read, or is beyond the bounds.
    """
    if len(data) > MOST_BYTES:
        raise DocumentError(f"it has {len(data):,} bytes, more than {MOST_BYTES:,}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DocumentError("it is not UTF-8", f"{line}:1") from None
    if is_json or text.lstrip()[:1] in ("{", "["):
        try:
            made = json.loads(text)
            _check(made)
            return Document(made, text)
        except DocumentError:
            raise
        except json.JSONDecodeError as error:
            if is_json:
                raise DocumentError(error.msg, f"{error.lineno}:{error.colno}") from None
        except (RecursionError, ValueError) as error:
            raise DocumentError(
                "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            ) from None
    if len(text) > MOST_YAML_BYTES:
        raise DocumentError(f"it is YAML of more than {MOST_YAML_BYTES:,} characters; write it as JSON")
    root = _compose(text)
    data_of = None if root is None else _Constructor().construct(root, 0)
    return Document(data_of, text, _places_of(root))


def _check(data: Any) -> None:
    """Raise ``DocumentError`` for data beyond the bounds."""
    number, waiting = 0, [(data, 0)]
    while waiting:
        node, depth = waiting.pop()
        number += 1
        if number > MOST_VALUES:
            raise DocumentError(f"it has more than {MOST_VALUES:,} values")
        if depth > _DEEPEST:
            raise DocumentError("it is nested too deeply")
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting.extend((child, depth + 1) for child in children)


def _places_of(root: Any) -> list[str]:
    """Return the places of the policies in a tree: its items, or those below ``policies``, of each document."""
    if root is None or isinstance(root.value, str):
        return []
    if not _is_mapping(root):
        return [place for item in root.value for place in _places_of(item) or [_place(item.start_mark)]]
    policies = _inner(root, "policies")
    if policies is None or isinstance(policies.value, str) or _is_mapping(policies):
        return [_place(root.start_mark)]
    return [_place(item.start_mark) for item in policies.value]


def _compose(text: str) -> Any:
    """Return the tree of a text; of several documents a sequence of their trees."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Behind the last `---` there may be nothing.
        nodes = [node for node in yaml.compose_all(text, Loader=loader) if node is not None and node.value != ""]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(str(error.problem or error.context), _place(mark) if mark else "") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise DocumentError(reason) from None
    if len(nodes) < 2:
        return nodes[0] if nodes else None
    return yaml.SequenceNode("tag:yaml.org,2002:seq", nodes, nodes[0].start_mark, nodes[-1].end_mark)


class _Constructor:
    """Makes data of a tree; counts, since a value may be repeated by its anchor without end."""

    def __init__(self) -> None:
        import yaml

        self._yaml, self._safe, self._number = yaml, yaml.constructor.SafeConstructor(), 0

    def construct(self, node: Any, depth: int) -> Any:
        self._number += 1
        if self._number > MOST_VALUES:
            raise DocumentError(f"it has more than {MOST_VALUES:,} values", _place(node.start_mark))
        if depth > _DEEPEST:
            raise DocumentError("it is nested too deeply", _place(node.start_mark))
        if isinstance(node, self._yaml.SequenceNode):
            return [self.construct(child, depth + 1) for child in node.value]
        if isinstance(node, self._yaml.MappingNode):
            return self._mapping(node, depth)
        return self._scalar(node)

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, self._yaml.ScalarNode):
                raise DocumentError("a key must be a text", _place(key.start_mark))
            if key.value in made:
                raise DocumentError(f"the key {key.value!r:.80} is there twice", _place(key.start_mark))
            made[key.value] = self.construct(value, depth + 1)
        return made

    def _scalar(self, node: Any) -> Any:
        if node.tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary"):
            return node.value
        try:
            return self._safe.construct_object(node)
        except (self._yaml.YAMLError, ValueError) as error:
            reason = getattr(error, "problem", None) or str(error)
            raise DocumentError(reason, _place(node.start_mark)) from None


def _inner(node: Any, key: str | int) -> Any:
    """Return a part of a tree; ``None`` if it has none of this key."""
    if node is None or isinstance(node.value, str):
        return None
    if isinstance(key, int):
        return node.value[key] if 0 <= key < len(node.value) and not _is_mapping(node) else None
    if not _is_mapping(node):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _is_mapping(node: Any) -> bool:
    return bool(node.id == "mapping")


def _place(mark: Any) -> str:
    return f"{mark.line + 1}:{mark.column + 1}"
