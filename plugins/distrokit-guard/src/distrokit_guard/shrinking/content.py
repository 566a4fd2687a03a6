"""The content of an item that is too large: what stays of it, and how much room each value has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distrokit_guard.shrinking.fitting import LEAST, find_level, fit
from distrokit_guard.shrinking.sizes import ATTRIBUTE, VALUE, measure, measure_text

#: The attributes of an item that was shrunk: the number of bytes that were removed, and the keys of its cut values.
SHRUNK_BYTES, SHRUNK_VALUES = "distrokit.shrunk.bytes", "distrokit.shrunk.values"
#: The keys that are named, and the longest of them, in bytes.
_NAMED, _LONGEST_KEY = 5, 32
#: In bytes: ids, times, kind, flags and status of an item; the two attributes; an event or a link.
FIXED, PART = 160, 48
_SHRUNK = 2 * (ATTRIBUTE + 24) + _NAMED * (_LONGEST_KEY + VALUE)


class Group:
    """Attributes of an item, of one of its events, or of one of its links.

    Args:
        attributes: a mapping; ``None`` for none.
        most: no value is larger than this.

    Attributes:
        attributes: those that stay.
        dropped: the number of those that do not.
        fixed: the bytes without the values.
    """

    def __init__(self, attributes: Mapping[str, Any] | None, most: int) -> None:
        self.attributes = dict(attributes or {})
        self.sizes = {key: measure(value, most) for key, value in self.attributes.items()}
        self.dropped = 0
        self.fixed = sum(ATTRIBUTE + measure_text(key) for key in self.attributes)

    @property
    def needed(self) -> int:
        """The bytes that it has at least."""
        return self.fixed + sum(min(size, LEAST) for size in self.sizes.values())

    def drop_last(self) -> int:
        """Drop the last attribute; return the bytes that this saves."""
        key = next(reversed(self.attributes))
        del self.attributes[key]
        self.dropped += 1
        saved = ATTRIBUTE + measure_text(key)
        self.fixed -= saved
        return saved + min(self.sizes.pop(key), LEAST)


class Content:
    """All that an item consists of.

    Args:
        texts: values that are no attributes, by a name for them: the name of a span, the body of a log record.
        attributes: of the item.
        limit: in bytes.

    Attributes:
        group: the attributes of the item.
        dropped_parts: the number of events and links that were dropped.
    """

    def __init__(self, texts: Mapping[str, Any], attributes: Mapping[str, Any] | None, limit: int) -> None:
        self._limit = limit
        self._room = limit - FIXED - _SHRUNK
        self.texts = Group(texts, limit)
        self.group = Group(attributes, limit)
        self._groups = [self.texts, self.group]
        # The sizes and the keys of values that were cut.
        self._cut: list[tuple[int, str]] = []
        self._level = limit

    def add(self, attributes: Mapping[str, Any] | None) -> Group:
        """Add an event, with its name among its attributes, or a link."""
        group = Group(attributes, self._limit)
        group.fixed += PART
        self._groups.append(group)
        return group

    def make_room(self, events: list[Group], links: list[Group]) -> tuple[int, int]:
        """Drop what does not fit even if each value is cut: the oldest events, the last links, the last attributes.

        Returns: the number of dropped events, and of dropped links.
        """
        needed = sum(group.needed for group in self._groups)
        gone: set[int] = set()
        oldest, last = 0, len(links)
        while needed > self._room and oldest < len(events):
            needed -= events[oldest].needed
            gone.add(id(events[oldest]))
            oldest += 1
        while needed > self._room and last > 0:
            last -= 1
            needed -= links[last].needed
            gone.add(id(links[last]))
        while needed > self._room and self.group.attributes:
            needed -= self.group.drop_last()
        self._groups = [group for group in self._groups if id(group) not in gone]
        sizes = [size for group in self._groups for size in group.sizes.values()]
        self._level = max(find_level(sizes, self._room - sum(group.fixed for group in self._groups)), LEAST)
        return oldest, len(links) - last

    def fit(self, group: Group) -> dict[str, Any]:
        """Return the attributes of a group, with long values cut; the same values where they are short enough."""
        fitted = {key: fit(value, self._level) for key, value in group.attributes.items()}
        self._cut += [(group.sizes[key], key) for key, value in fitted.items() if value is not group.attributes[key]]
        return fitted

    def describe(self, before: int, after: int) -> dict[str, Any]:
        """Return the attributes that say that the item was shrunk.

        Args:
            before, after: its size, in bytes.
        """
        longest = dict.fromkeys(_shorten(key) for _, key in sorted(self._cut, key=lambda cut: -cut[0]))
        return {SHRUNK_BYTES: before - after, SHRUNK_VALUES: tuple(longest)[:_NAMED]}


def _shorten(key: str) -> str:
    return str(key).encode("utf-8", "replace")[:_LONGEST_KEY].decode("utf-8", "ignore")
