"""How a component reads its parameters out of the settings, while the plan is made.

A declaration's ``parameters`` function is handed a :class:`Reader`. Every method returns a
:class:`~distrokit.settings.Value` that knows its source; text that cannot be used becomes a
:class:`~distrokit.diagnostics.Problem` and the default is used, so one bad number costs that number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from distrokit.diagnostics import Problem, did_you_mean
from distrokit.settings import Settings, Source, Value

if TYPE_CHECKING:
    from distrokit.declarations import Signal

T = TypeVar("T")

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Reader:
    """Reads settings for one component.

    Args:
        settings: all settings.
        owner: who a default is attributed to, for example ``otlp 0.1.0``.
        signal: the signal the component is planned for; ``None`` where there is none.
        name: the name the component was picked by.
    """

    def __init__(self, settings: Settings, owner: str, signal: Signal | None = None, name: str = "") -> None:
        self.settings = settings
        self.signal = signal
        self.name = name
        self.problems: list[Problem] = []
        self._default = Source("plugin default", owner)

    def default(self, value: T) -> Value[T]:
        """A value that no setting gave."""
        return Value(value, self._default)

    def text(self, names: str | Sequence[str], default: str = "", *, secret: bool = False) -> Value[str]:
        """The first of ``names`` that is set, else ``default``; ``secret`` masks it everywhere."""
        found = self._find(names)
        return self._value(found, found[0][1], secret) if found else self.default(default)

    def choice(self, names: str | Sequence[str], choices: Sequence[str], default: str) -> Value[str]:
        """One of ``choices``, whatever its case."""

        def parse(text: str) -> str:
            for choice in choices:
                if choice.lower() == text.lower():
                    return choice
            raise ValueError(f"valid values are {', '.join(choices)}", did_you_mean(text, choices))

        return self.parsed(names, parse, default)

    def integer(
        self, names: str | Sequence[str], default: int, *, minimum: int = 0, maximum: int = 2**31 - 1
    ) -> Value[int]:
        """A whole number from ``minimum`` to ``maximum``; beyond that, threads cannot wait so long."""

        def parse(text: str) -> int:
            number = int(text) if text.lstrip("+-").isdecimal() else None
            if number is None or not minimum <= number <= maximum:
                raise ValueError(f"it must be a whole number from {minimum} to {maximum}")
            return number

        return self.parsed(names, parse, default)

    def flag(self, names: str | Sequence[str], default: bool) -> Value[bool]:
        """``true`` or ``false``."""

        def parse(text: str) -> bool:
            if text.lower() not in _FLAGS:
                raise ValueError("valid values are true, false")
            return _FLAGS[text.lower()]

        return self.parsed(names, parse, default)

    def parsed(
        self, names: str | Sequence[str], parse: Callable[[str], T], default: T, *, secret: bool = False
    ) -> Value[T]:
        """Any setting.

        Args:
            names: the variables that may hold it, strongest first.
            parse: text to value; raises ``ValueError(what is accepted[, hint])``. What it says
                is printed, so it must not repeat the value of a secret.
            default: used when unset, and when ``parse`` refuses every value there is.
            secret: masks the value in every output.
        """
        found = self._find(names)
        refused: list[tuple[str, str, Source, ValueError]] = []
        result: Value[T] = self.default(default)
        for number, (name, text, source) in enumerate(found):
            try:
                result = self._value(found[number:], parse(text), secret)
                break
            except ValueError as error:
                refused.append((name, text, source, error))
        for name, text, source, refusal in refused:
            accepted, *hint = [str(part) for part in refusal.args]
            used = f"{result.printable()!r} is used instead" if result.value else "it is taken for unset"
            mend = f"Change or unset {source.name}." if source.kind == "environment" else f"Set {name} yourself."
            self.problem(
                code="setting-invalid",
                setting=name,
                value="****" if secret else text,
                cause=f"not usable: {accepted}" + ("" if source.kind == "environment" else f" (it is the {source})"),
                outcome=used,
                remedy=" ".join([*hint, mend]),
            )
        return result

    def problem(self, *, code: str, setting: str, value: str, cause: str, outcome: str, remedy: str) -> None:
        """Report something about a setting that was replaced; say what is used instead."""
        self.problems.append(
            Problem(
                code=code,
                subject=f"{setting}={value}",
                cause=cause,
                outcome=outcome,
                remedy=remedy.strip(),
                severity="warning",
            )
        )

    def _find(self, names: str | Sequence[str]) -> list[tuple[str, str, Source]]:
        names = (names,) if isinstance(names, str) else names
        found = [(name, text, source) for name in names for text, source in self.settings.lookup(name)]
        # A plugin's default for traces alone is weaker than the user's word for all signals.
        return sorted(found, key=lambda item: item[2].kind == "plugin default")

    @staticmethod
    def _value(found: list[tuple[str, str, Source]], value: Any, secret: bool) -> Value[Any]:
        overruled = () if secret else tuple((text, source) for _, text, source in found[1:])
        if isinstance(value, dict):
            # A value that many hold must not be changed in place.
            value = MappingProxyType(value)
        return Value(value, found[0][2], overruled, secret)
