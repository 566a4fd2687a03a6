"""The transforms of one signal: each takes a finished item and returns the item to continue with, or drops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Part = TypeVar("Part")


class ErrorReporter(Protocol):
    """Called each time a part raises, with its name, the exception, the outcome and the remedy; prints it once."""

    def __call__(self, name: str, error: BaseException, outcome: str = "", remedy: str = "", /) -> None: ...


class Named(Generic[Part]):
    """A part of a stage, with its name for reports."""

    def __init__(self, name: str, part: Part) -> None:
        self.name = name
        self.part = part


class Transforms(Generic[Item]):
    """The transforms of one signal, in order.

    Args:
        parts: each takes a finished item and returns the item to continue with, or ``None`` to drop it.
        kind: the class of the items.
        report: called when a transform raises, or returns something other than an item.
        filters: true if a transform may drop every item; that is not reported then.
        lost: called for each item that is dropped because a transform failed; ``None`` for none.
    """

    def __init__(
        self,
        parts: Sequence[Named[Callable[[Item], Item | None]]],
        kind: type[Item],
        report: ErrorReporter,
        *,
        filters: bool = False,
        lost: Callable[[Item, str, Exception], None] | None = None,
    ) -> None:
        self._parts = tuple(parts)
        self._kind = kind
        self._report = report
        self._on_lost = lost
        self._filters = filters
        # Per transform; not locked, since they are for one message at shutdown only.
        self._dropped, self._has_passed = [0] * len(parts), [False] * len(parts)

    def __bool__(self) -> bool:
        """True if there is a transform."""
        return bool(self._parts)

    def preview(self, item: Item) -> Item | None:
        """Return an item that is not finished yet after all transforms; ``None`` if one drops it or raises.

        Nothing is counted or reported: the finished item comes later.
        """
        for transform in self._parts:
            try:
                result = transform.part(item)
            except Exception:
                return None
            if not isinstance(result, self._kind):
                return None
            item = result
        return item

    def __call__(self, item: Item) -> Item | None:
        """Return the item after all transforms; ``None`` if one dropped it.

        A transform that raises drops the item, since an item that could not be redacted must not be sent. Only
        ``Exception`` is caught: a signal handler of the application may call ``sys.exit()`` at any moment.
        """
        for number, transform in enumerate(self._parts):
            try:
                result = transform.part(item)
            except Exception as error:
                self._failed(transform.name, item, error)
                return None
            if result is None:
                self._dropped[number] += 1
                return None
            if result is not item:
                if not isinstance(result, self._kind):
                    self._dropped[number] += 1
                    wrong = f"it returned {type(result).__name__}, not {self._kind.__name__}"
                    self._failed(transform.name, item, TypeError(wrong))
                    return None
                item = result
            self._has_passed[number] = True
        return item

    def _failed(self, name: str, item: Item, error: Exception) -> None:
        self._report(name, error)
        if self._on_lost is not None:
            self._on_lost(item, name, error)

    def finish(self) -> None:
        """Report at shutdown each transform that dropped every item, as one without ``return`` does."""
        for transform, count, has_passed in zip(self._parts, self._dropped, self._has_passed, strict=True):
            if count >= REPORTED_FROM and not has_passed and not self._filters:
                self._report(transform.name, DroppedAll(f"it dropped all {count} items"))


class DroppedAll(Exception):  # noqa: N818  (reported like an exception, never raised)
    """A transform dropped every item."""


#: Report a transform that drops everything only from this many items: a service with health checks alone has a few.
REPORTED_FROM = 100
