"""Makes values fit into a number of bytes: of several, the longest are cut first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from distrokit_guard.shrinking.sizes import ATTRIBUTE, VALUE, measure, measure_text

#: The end of a text that was cut.
MARK = "…[shrunk]"
_MARK = MARK.encode()
#: In bytes: the least room for a value; a text that is cut has its mark.
LEAST = VALUE + 16
#: A container that is nested deeper is replaced by the mark.
_DEEPEST = 20


def find_level(sizes: Sequence[int], room: int) -> int:
    """Return the largest size to which all larger ones have to be cut, so that they fit into the room together."""
    left = room
    for place, size in enumerate(sorted(sizes)):
        others = len(sizes) - place
        if size * others > left:
            return left // others
        left -= size
    return max(sizes, default=0)


def fit(value: Any, room: int, depth: int = 0) -> Any:
    """Return a value of at most so many bytes, by :func:`~distrokit_guard.shrinking.sizes.measure`.

    Args:
        room: at least :data:`LEAST`.
        depth: the number of containers around it.

    Returns: the same object if it fits already.
    """
    if measure(value, room + 1) <= room:
        return value
    if isinstance(value, str):
        return _cut(value, room - VALUE)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[: room - VALUE])
    if not isinstance(value, (Mapping, Sequence)):
        return value
    return _fit_parts(value, room, depth) if depth < _DEEPEST else MARK


def _fit_parts(value: Any, room: int, depth: int) -> Any:
    if not isinstance(value, Mapping):
        return _fit_each(list(value), [1] * len(value), room, depth)
    entries = list(value.items())
    fixed = [ATTRIBUTE + measure_text(str(key)) for key, _ in entries]
    kept = _fit_each([item for _, item in entries], fixed, room, depth)
    return {key: item for (key, _), item in zip(entries, kept, strict=False)}


def _fit_each(items: list[Any], fixed: list[int], room: int, depth: int) -> list[Any]:
    """Return as many of the items as there is room for, from the first on, the largest of them cut.

    Args:
        fixed: for each, the bytes that it needs besides its value.
    """
    sizes = [measure(item, room) for item in items]
    room -= VALUE
    count, needed = 0, 0
    for size, more in zip(sizes, fixed, strict=True):
        needed += more + min(size, LEAST)
        if needed > room:
            break
        count += 1
    level = max(find_level(sizes[:count], room - sum(fixed[:count])), LEAST)
    return [fit(item, level, depth + 1) for item in items[:count]]


def _cut(text: str, room: int) -> str:
    # A question mark for a lone surrogate. A character that is cut at the end is left out.
    kept = text.encode("utf-8", "replace")[: max(room - len(_MARK), 0)]
    return kept.decode("utf-8", "ignore") + MARK
