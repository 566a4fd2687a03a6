"""What the stages of spans and of log records have in common: their members, in order, and what each of them gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, Protocol, TypeVar

from distrokit.declarations import Signal
from distrokit.pipeline.late_processors import LateProcessor, LateProcessors
from distrokit.pipeline.transforms import ErrorReporter, Item, Named, Transforms


class _Processor(Protocol):
    """The common methods of span processors and log record processors."""

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool: ...


P = TypeVar("P", bound=_Processor)


def _do_nothing(timeout_millis: int = 0) -> None:
    """Stand in for a method that a late processor lacks."""


class MemberStages(Generic[P, Item]):
    """The common base of the stages of spans and of log records.

    Args:
        enrich: processors that run before the transforms.
        transforms: run on each finished item.
        derive: processors that get the transformed items.
        export: processors that get the transformed items, after ``derive``.
        report: called when a part raises.
        late: decides about processors that are added later; ``None``: they are like those of ``export``.
    """

    #: The attribute in which the SDK's class keeps its members.
    _ATTRIBUTE: str
    _SIGNAL: Signal

    def __init__(
        self,
        enrich: Sequence[Named[P]],
        transforms: Transforms[Item],
        derive: Sequence[Named[P]],
        export: Sequence[Named[P]],
        report: ErrorReporter,
        late: LateProcessors | None = None,
    ) -> None:
        super().__init__()
        self._report, self._late = report, late
        # Why a processor is a member, by its id; with a reference to it, so that its id is not reused.
        self._reasons: dict[int, Named[P] | LateProcessor] = {}
        self.withheld = False
        self.fill(enrich, transforms, derive, export)

    def fill(
        self,
        enrich: Sequence[Named[P]],
        transforms: Transforms[Item],
        derive: Sequence[Named[P]],
        export: Sequence[Named[P]],
        *,
        withheld: bool = False,
    ) -> None:
        """Set all stages; processors that were added late stay.

        Args:
            withheld: true if a required part is missing: then no processor behind the transforms gets anything.
        """
        with self._lock_of_members():
            self._enrich, self._transforms, self._derive = tuple(enrich), transforms, tuple(derive)
            self.withheld = withheld
            self._reasons.update((id(named.part), named) for named in export)
            own = tuple(named.part for named in export)
            self._arrange((*own, *(part for part in self._members if all(part is not one for one in own))))

    def _lock_of_members(self) -> AbstractContextManager[object]:
        # A forked child has a new one.
        return nullcontext() if self._late is None else self._late.lock

    @property
    def _members(self) -> tuple[P, ...]:
        members: tuple[P, ...] = getattr(self, self._ATTRIBUTE)
        return members

    def _add(self, processor: P) -> None:
        """Add a member late."""
        # Decided first: a plugin that is asked may add another one.
        self._reason(processor)
        with self._lock_of_members():
            self._arrange((*self._members, processor))

    def _arrange(self, members: tuple[P, ...]) -> None:
        """Sort the members by what they get. Refused ones are left out."""
        with self._lock_of_members():
            behind: list[Named[P]] = []
            late: list[LateProcessor] = []
            kept = []
            for part in members:
                reason = self._reason(part)
                if isinstance(reason, Named):
                    behind.append(reason)
                elif reason.placement == "refuse":
                    continue
                else:
                    late.append(reason)
                kept.append(part)
            self._late_behind = tuple(one for one in late if one.placement == "behind")
            self._late_raw = tuple(one for one in late if one.placement == "raw")
            self._own = (*self._derive, *behind)
            self._first = (*self._enrich, *self._own)
            # Most pipelines have one processor and nothing else, and take the short way.
            others = self.withheld or self._transforms or self._first[1:] or late
            self._only = self._first[0] if self._first and not others else None
            # Set last: a thread that finds this tuple finds the others, too.
            members = members if len(kept) == len(members) else tuple(kept)
            setattr(self, self._ATTRIBUTE, members)
            self._arranged = members

    def _reason(self, part: P) -> Named[P] | LateProcessor:
        reason = self._reasons.get(id(part))
        if reason is None:
            reason = (
                Named(f"processor {type(part).__qualname__}", part)
                if self._late is None
                else self._late.place(part, self._SIGNAL)
            )
            self._reasons[id(part)] = reason
        return reason

    def _call_late(
        self, processors: Sequence[LateProcessor], method: str, make: Callable[[], Any], *arguments: Any
    ) -> None:
        """Call a method of each, with an item that ``make`` returns for it and more arguments."""
        for processor in processors:
            # Looked up with each call, since some are replaced later; and some classes lack some methods.
            call = getattr(processor.part, method, None)
            if call is None:
                continue
            try:
                call(make(), *arguments)
            except Exception as error:
                processor.raised(method, error)

    def _all(self) -> list[Named[Any] | LateProcessor]:
        return [*self._first, *self._late_behind, *self._late_raw]

    def shutdown(self) -> None:
        """Shut down all processors in order; one that raises does not prevent the shutdown of the next."""
        self._transforms.finish()
        for processor in self._all():
            try:
                getattr(processor.part, "shutdown", _do_nothing)()
            except Exception as error:
                self._report(processor.name, error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush all processors in order; false if one failed."""
        done = True
        for processor in self._all():
            try:
                # The base classes return None on success.
                done = getattr(processor.part, "force_flush", _do_nothing)(timeout_millis) is not False and done
            except Exception as error:
                self._report(processor.name, error)
                done = False
        return done
