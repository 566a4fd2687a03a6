"""The common base of the stages of spans and of log records: it sorts the processors, and adds late ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, Protocol, TypeVar

from distrokit.declarations import Signal
from distrokit.pipeline.late_processors import REMEDY, LateProcessor, LateProcessors
from distrokit.pipeline.transforms import ErrorReporter, Item, Named, Transforms


class _Processor(Protocol):
    """The common methods of span processors and log record processors."""

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool: ...


P = TypeVar("P", bound=_Processor)


def _do_nothing(timeout_millis: int = 0) -> None:
    """Stand in for a method that a late processor lacks."""


class ProcessorStages(Generic[P, Item]):
    """The stages of one signal, traces or logs.

    Args:
        enrich: processors that run before the transforms.
        transforms: run on each finished item.
        derive: processors that get the transformed items.
        export: processors that get the transformed items, after ``derive``.
        report: called when a part raises.
        late: decides about processors that are added later; ``None``: they are like those of ``export``.
        withheld: true if no processor behind the transforms may get anything.
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
        *,
        withheld: bool = False,
    ) -> None:
        super().__init__()
        self._report, self._late = report, late
        # By the processor's id; each refers to the processor, so that its id is not reused.
        self._entries: dict[int, Named[P] | LateProcessor] = {}
        self.fill(enrich, transforms, derive, export, withheld=withheld)

    def fill(
        self,
        enrich: Sequence[Named[P]],
        transforms: Transforms[Item],
        derive: Sequence[Named[P]],
        export: Sequence[Named[P]],
        *,
        withheld: bool = False,
    ) -> None:
        """Set all stages; processors that were added late stay. The arguments are those of the class."""
        with self._lock_of_members():
            self._enrich, self._transforms, self._derive = tuple(enrich), transforms, tuple(derive)
            self._withheld = withheld
            self._entries.update((id(named.part), named) for named in export)
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
        self._entry(processor)
        with self._lock_of_members():
            self._arrange((*self._members, processor))

    def _arrange(self, members: tuple[P, ...]) -> None:
        """Sort the processors of the stage ``export`` by what they get; leave refused ones out."""
        with self._lock_of_members():
            behind: list[Named[P]] = []
            late: list[LateProcessor] = []
            kept = []
            for part in members:
                entry = self._entry(part)
                if isinstance(entry, Named):
                    behind.append(entry)
                elif entry.placement == "refuse":
                    continue
                else:
                    late.append(entry)
                kept.append(part)
            after = (*self._derive, *behind)
            self._all: tuple[Named[P] | LateProcessor, ...] = (*self._enrich, *after, *late)
            given = [] if self._withheld else late
            self._late_behind = tuple(one for one in given if one.placement == "behind")
            self._late_raw = tuple(one for one in given if one.placement == "raw")
            self._after = () if self._withheld else after
            self._live = (*self._enrich, *self._after)
            # Most pipelines have one processor and nothing else, and take the short way.
            others = self._transforms or self._live[1:] or given
            self._only = self._live[0] if self._live and not others else None
            # Set last: a thread that finds this tuple finds the others, too.
            members = members if len(kept) == len(members) else tuple(kept)
            setattr(self, self._ATTRIBUTE, members)
            self._arranged = members

    def _entry(self, part: P) -> Named[P] | LateProcessor:
        entry = self._entries.get(id(part))
        if entry is None:
            entry = (
                Named(f"processor {type(part).__qualname__}", part)
                if self._late is None
                else self._late.place(part, self._SIGNAL)
            )
            self._entries[id(part)] = entry
        return entry

    def _call_late(
        self, processors: Sequence[LateProcessor], method: str, make: Callable[[], Any], *arguments: Any
    ) -> None:
        """Call a method of each processor, with an item that ``make`` returns and more arguments."""
        for processor in processors:
            # Looked up with each call, since some are replaced later; and some classes lack some methods.
            call = getattr(processor.part, method, None)
            if call is None:
                continue
            try:
                call(make(), *arguments)
            except Exception as error:
                processor.failed += method in ("on_end", "on_emit")
                self._report(processor.name, error, "the exporters are not affected", REMEDY)

    def shutdown(self) -> None:
        """Shut down all processors in order; one that raises does not prevent the shutdown of the next."""
        self._transforms.finish()
        for processor in self._all:
            try:
                getattr(processor.part, "shutdown", _do_nothing)()
            except Exception as error:
                self._report(processor.name, error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush all processors in order; false if one failed."""
        done = True
        for processor in self._all:
            try:
                # The base classes return None on success.
                done = getattr(processor.part, "force_flush", _do_nothing)(timeout_millis) is not False and done
            except Exception as error:
                self._report(processor.name, error)
                done = False
        return done
