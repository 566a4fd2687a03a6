"""Spans in the order and at the depth at which a tree shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from distrokit_dev.received import ReceivedSpan

#: Levels whose lines are drawn, where there is room. A deeper one stands where the last of them stands, with a number.
MAX_RAILS = 8

#: A span by its place in the sequence, or the id of a parent that is not among them.
_Node = int | str


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        span: ``None`` on the line of a parent that is not there.
        missing: the span id of that parent.
        depth: 0 for what has no parent.
        rails: for each level above, from the second on, whether its line goes on below; at most as many as asked for.
        last: whether nothing follows on its level.
        grows: whether it has children.
    """

    span: ReceivedSpan | None
    missing: str
    depth: int
    rails: tuple[bool, ...]
    last: bool
    grows: bool


def rows(spans: Sequence[ReceivedSpan], max_rails: int = MAX_RAILS) -> Iterator[Row]:
    """Parents before children, siblings by start; each span once, whatever the parent ids say.

    A span whose parent is not among them hangs under a line for that parent. Of spans that are each other's
    parents, the one that started first stands at the top.
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
    yield from _grown(list(tops), spans, children, seen, max_rails)
    for place in range(len(spans)):
        if place not in seen:
            yield from _grown([place], spans, children, seen, max_rails)


def _grown(
    tops: Sequence[_Node],
    spans: Sequence[ReceivedSpan],
    children: dict[str, list[int]],
    seen: set[int],
    max_rails: int,
) -> Iterator[Row]:
    # A stack of its own: Python's would not hold a chain of thousands.
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
