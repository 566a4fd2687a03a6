"""One instrumentation of the plan: whether it is applied, as what, and with which keywords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from distrokit.diagnostics import did_you_mean
from distrokit.plugins.entry_points import distribution_of, version_of
from distrokit.settings.values import BUILT_IN, Source


@dataclass
class InstrumentationPlan:
    """One instrumentation; ``InstrumentationPlan("mine", replacement=Mine)`` is one that no package publishes.

    Attributes:
        name: as ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS`` says it.
        enabled: whether it is applied.
        why: the reason it is off, or failed, or when it will be applied; empty when there is nothing to say.
        source: who decided.
        asked: where the user asks for this very one, by its name; ``None`` where it is on as all others are.
        options: keywords for its ``instrument()``. A text is imported when the instrumentation is applied where it
            begins with ``import:``, and where the keyword ends in ``_hook``: ``module:attribute``.
        init_options: keywords for its class, taken the same way.
        sources: who gave each keyword, by its name; those for the class as ``init.NAME``. Filled for a plugin.
        replacement: called in place of the instrumentor's class, or where that is: ``module:Class``; ``None`` for
            its own.
        applied: whether it has been.
        point: the entry point; ``None`` for one that no package publishes, which needs a ``replacement``.
    """

    name: str
    enabled: bool = True
    why: str = ""
    source: Source = BUILT_IN
    asked: Source | None = None
    options: dict[str, Any] = field(default_factory=dict)
    init_options: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    replacement: Callable[..., Any] | str | None = None
    applied: bool = False
    point: EntryPoint | None = None

    @property
    def distribution(self) -> str:
        """The name of the distribution that has it."""
        return distribution_of(self.point) if self.point else ""

    @property
    def version(self) -> str:
        """The version of that distribution."""
        return version_of(self.point) if self.point else ""

    @property
    def keywords(self) -> dict[str, Any]:
        """Everything it is given, by the names that ``sources`` has."""
        return {**self.options, **{f"init.{name}": value for name, value in self.init_options.items()}}

    def adopt(self, before: InstrumentationPlan | None, source: Source) -> None:
        """Note what a plugin changed as that plugin's doing.

        Args:
            before: as it was; ``None`` when it was not there.

        Raises:
            TypeError: it cannot be applied, or shown.
        """
        self._check()
        old = before.keywords if before else {}
        now = self.keywords
        self.sources = {name: self.sources.get(name, source) for name in now}
        self.sources.update({name: source for name in now if name not in old or old[name] is not now[name]})
        if before is None or (self.enabled, self.replacement) != (before.enabled, before.replacement):
            why_unchanged = before is None or self.why == before.why
            self.why = (f"{source} turned it off" if not self.enabled else "") if why_unchanged else self.why
            self.source = source

    def _check(self) -> None:
        if self.point is None and self.replacement is None:
            raise TypeError(f"instrumentation {self.name!r} has neither an entry point nor a replacement")
        if not (self.replacement is None or isinstance(self.replacement, str) or callable(self.replacement)):
            raise TypeError(f"the replacement of instrumentation {self.name!r} is not callable")
        for keywords in (self.options, self.init_options):
            if not isinstance(keywords, dict) or not all(isinstance(keyword, str) for keyword in keywords):
                raise TypeError(f"the options of instrumentation {self.name!r} are not a dict with string keys")

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data; options are shown by name only, their values may be anything."""
        return {
            "distribution": self.distribution,
            "version": self.version,
            "enabled": self.enabled,
            "why": self.why,
            "source": str(self.source),
            "options": sorted(self.options),
            "init_options": sorted(self.init_options),
            "sources": {name: str(source) for name, source in sorted(self.sources.items())},
            "replaced_by": self.replaced_by,
        }

    @property
    def replaced_by(self) -> str | None:
        """What stands in place of its own class, as it may be shown; ``None`` for nothing."""
        if self.replacement is None or isinstance(self.replacement, str):
            return self.replacement
        return str(getattr(self.replacement, "__qualname__", repr(self.replacement)))


class Instrumentations(dict[str, InstrumentationPlan]):
    """Instrumentations by name. What is installed differs from place to place, and a plugin hears of it here."""

    def __missing__(self, name: str) -> InstrumentationPlan:
        """Raises: KeyError, which says what to write instead."""
        hint = did_you_mean(name, self) if isinstance(name, str) else ""
        raise KeyError(f"no instrumentation {name!r} is installed; use .get() or `in`. {hint}".rstrip(" ."))
