"""One instrumentation of the plan: on or off, its class, and its keywords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from distrokit.plugins.entry_points import distribution_of, version_of
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import BUILT_IN, Source


@dataclass
class InstrumentationPlan:
    """One instrumentation; ``InstrumentationPlan("mine", replacement=Mine)`` adds one that no package publishes.

    Attributes:
        name: as in ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS``.
        enabled: whether it is applied.
        why: the reason why it is off or failed, or when it will be applied; empty otherwise.
        source: where it was turned on or off.
        asked: where the user turned it on by name; ``None`` if it is on by default.
        options: keywords for its ``instrument()``. A string that begins with ``import:``, or ``module:attribute`` for
            a keyword that ends in ``_hook``, is imported when the instrumentation is applied.
        init_options: keywords for its class, in the same form.
        sources: source of each keyword, by name; keywords for the class as ``init.NAME``. Set for keywords of a plugin.
        replacement: a class or callable used instead of the instrumentor's class, or its path ``module:Class``;
            ``None`` for its own class.
        applied: true once it has been applied.
        triggers: modules; the import of one of them applies it. Empty: it is applied when telemetry starts. A plugin's
            change has effect from then on: see ``distrokit.triggers`` in docs/instrumentations.md.
        point: the entry point; ``None`` if no package publishes it, then ``replacement`` is required.
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
    triggers: tuple[str, ...] = ()

    @property
    def distribution(self) -> str:
        """Name of the distribution that publishes it; empty if none does."""
        return distribution_of(self.point) if self.point else ""

    @property
    def version(self) -> str:
        """Version of that distribution; empty if there is none."""
        return version_of(self.point) if self.point else ""

    @property
    def keywords(self) -> dict[str, Any]:
        """All keywords, by the names used in ``sources``."""
        return {**self.options, **{f"init.{name}": value for name, value in self.init_options.items()}}

    def adopt(self, before: InstrumentationPlan | None, source: Source) -> None:
        """Record the plugin as the source of what it changed.

        Args:
            before: the plan before the change; ``None`` if the plugin added it.
            source: the plugin.

        Raises:
            TypeError: it cannot be applied or described.
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
        if isinstance(self.triggers, str) or not all(isinstance(module, str) for module in self.triggers):
            raise TypeError(f"the triggers of instrumentation {self.name!r} are not a tuple of module names")
        for keywords in (self.options, self.init_options):
            if not isinstance(keywords, dict) or not all(isinstance(keyword, str) for keyword in keywords):
                raise TypeError(f"the options of instrumentation {self.name!r} are not a dict with string keys")

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data; of options only the names, since values may be any object."""
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
            "triggers": list(self.triggers),
        }

    @property
    def replaced_by(self) -> str | None:
        """Printable name of the replacement; ``None`` without one."""
        if self.replacement is None or isinstance(self.replacement, str):
            return self.replacement
        return str(getattr(self.replacement, "__qualname__", repr(self.replacement)))


class Instrumentations(dict[str, InstrumentationPlan]):
    """Instrumentations by name; a missing name raises a ``KeyError`` that suggests what to write."""

    def __missing__(self, name: str) -> InstrumentationPlan:
        """Raise a ``KeyError`` with a suggestion."""
        hint = did_you_mean(name, self) if isinstance(name, str) else ""
        raise KeyError(f"no instrumentation {name!r} is installed; use .get() or `in`. {hint}".rstrip(" ."))
