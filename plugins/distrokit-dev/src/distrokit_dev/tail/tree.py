"""Arranges spans as the rows of a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from distrokit_dev.received import ReceivedSpan

#: Maximum number of levels with lines. Deeper rows have the last level's indentation, and a number.
MAX_RAILS = 8

#: The index of a span, or the id of a missing parent.
_Node = int | str


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        span: ``None`` in the row of a missing parent.
        missing: the span id of that parent.
        depth: 0 for a row without a parent.
        rails: for each level above, from the second on: true if its line continues below; at most ``max_rails``.
        last: true if no row follows on its level.
        grows: true if it has children.
    """

    span: ReceivedSpan | None
    missing: str
    depth: int
    rails: tuple[bool, ...]
    last: bool
    grows: bool


def rows(spans: Sequence[ReceivedSpan], max_rails: int = MAX_RAILS) -> Iterator[Row]:
    """Yield rows: parents before children, siblings by start, each span once.

    Spans with a missing parent are below a row for that parent. In a cycle of parents the span that started first is
    at the top.
    """
    spans = sorted(spans, key=lambda span: span.start)
    children: dict[str, list[int]] = {}
    tops: dict[_Node, None] = {}
    known = {span.span_id for span in spans}
    for place, span in enumerate(spans):
        parent = span.parent_span_id
        if parent:
            children.setdefault(parent, []).append(place)
        if parent not in known:
            tops[parent or place] = None
    seen: set[int] = set()
    yield from _grow(list(tops), spans, children, seen, max_rails)
    for place in range(len(spans)):
        if place not in seen:
            yield from _grow([place], spans, children, seen, max_rails)


def _grow(
    tops: Sequence[_Node],
    spans: Sequence[ReceivedSpan],
    children: dict[str, list[int]],
    seen: set[int],
    max_rails: int,
) -> Iterator[Row]:
    # An explicit stack: recursion would fail for chains of thousands of spans.
    stack: list[tuple[_Node, int, tuple[bool, ...], bool]] = [(top, 0, (), False) for top in reversed(tops)]
    seen.update(top for top in tops if isinstance(top, int))
    while stack:
        node, depth, rails, last = stack.pop()
        span = spans[node] if isinstance(node, int) else None
        missing = "" if isinstance(node, int) else node
        below = [child for child in children.get(span.span_id if span else missing, ()) if child not in seen]
        seen.update(below)
        yield Row(span, missing, depth, rails, last, bool(below))
        inner = (*rails, not last)[:max_rails] if depth else rails
        stack.extend((child, depth + 1, inner, child == below[-1]) for child in reversed(below))
