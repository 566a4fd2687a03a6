"""The reader of a component's parameters, while the plan is made: from settings, or from a configuration file.

A declaration's ``parameters`` function gets a :class:`Reader`. Every method returns a
:class:`~distrokit.settings.values.Value` that knows its source. Text that cannot be used becomes a
:class:`~distrokit.diagnostics.Problem`, and the next weaker value or the default is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from distrokit.diagnostics import Problem
from distrokit.settings.layers import Settings, is_secret
from distrokit.settings.secret_files import read_secret
from distrokit.settings.secret_values import secrets_inside
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import BOOLEANS, STRENGTH, Source, Value, as_text

if TYPE_CHECKING:
    from distrokit.declarations import ComponentKind, Signal

T = TypeVar("T")

#: One candidate for a value: its name, its text, its source.
Found = tuple[str, str, Source]

#: Selects a component that another one contains; ``None`` when it cannot.
Resolve = Callable[["ComponentKind", Value[Any]], Any]


class Reader:
    """Reads the parameters of one component.

    Every method takes the names of the variables that may hold the value, strongest first, and the
    ``key`` of the value in a configuration file, dotted where it is nested (``tls.ca_file``). A value that
    the file has for this component is stronger than the environment and weaker than code.

    Args:
        settings: all settings.
        owner: the plugin and version that a default is attributed to, for example ``otlp 0.1.0``.
        signal: the signal the component is planned for; ``None`` for components without one.
        name: the name the component was selected by.
        instance: ``backup`` of ``otlp/backup``: only variables ending in ``__BACKUP`` are read, so that
            no destination gets another one's credentials; empty for the plain component.
        properties: the component's properties in the configuration file; ``None`` when settings select it.
        resolve: selects components inside this one; ``None`` when it can contain none.

    Attributes:
        file_name: the component's name in a configuration file, if it has another one there; to be set.
            Dotted if it stands inside another component (``parent_based.root.always_on``).
        refused: true if the component is left out; see :meth:`refuse`.
        problems: the problems that were reported so far.
    """

    def __init__(
        self,
        settings: Settings,
        owner: str,
        signal: Signal | None = None,
        name: str = "",
        *,
        instance: str = "",
        properties: Value[Any] | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self.settings = settings
        self.signal = signal
        self.name = name
        self.instance = instance
        self.properties = properties
        self.file_name = ""
        self.refused = False
        self.problems: list[Problem] = []
        self._default = Source("plugin default", owner)
        self._resolve = resolve
        self._keys_read: set[str] = set()

    @property
    def in_file(self) -> bool:
        """True if a configuration file names this component."""
        return self.properties is not None

    def default(self, value: T, key: str = "") -> Value[T]:
        """Return a value whose source is the default of the plugin that owns the component."""
        return Value(value, self._default, key=key)

    def text(self, names: str | Sequence[str], default: str = "", *, key: str = "", secret: bool = False) -> Value[str]:
        """Return the first of ``names`` that is set, else ``default``; ``secret`` masks it in every output."""
        return self.parsed(names, str, default, key=key, secret=secret)

    def choice(self, names: str | Sequence[str], choices: Sequence[str], default: str, *, key: str = "") -> Value[str]:
        """Read one of ``choices``, in any case; the value has the case of ``choices``."""

        def parse(text: str) -> str:
            for choice in choices:
                if choice.lower() == text.lower():
                    return choice
            raise ValueError(f"valid values are {', '.join(choices)}", did_you_mean(text, choices))

        return self.parsed(names, parse, default, key=key)

    def integer(
        self,
        names: str | Sequence[str],
        default: int,
        *,
        minimum: int = 0,
        maximum: int = 2**31 - 1,
        key: str = "",
    ) -> Value[int]:
        """Read a whole number from ``minimum`` to ``maximum``; threads cannot wait longer than its default."""

        def parse(text: str) -> int:
            number = int(text) if len(text) <= 20 and text.lstrip("+-").isdecimal() else None
            if number is None or not minimum <= number <= maximum:
                raise ValueError(f"it must be a whole number from {minimum} to {maximum}", _convert(text, names))
            return number

        return self.parsed(names, parse, default, key=key)

    def number(
        self, names: str | Sequence[str], default: float, *, minimum: float, maximum: float, key: str = ""
    ) -> Value[float]:
        """Read a number from ``minimum`` to ``maximum``."""

        def parse(text: str) -> float:
            try:
                number = float(text)
            except ValueError:
                number = minimum - 1
            if not minimum <= number <= maximum:
                raise ValueError(f"it must be a number from {minimum:g} to {maximum:g}")
            return number

        return self.parsed(names, parse, default, key=key)

    def flag(self, names: str | Sequence[str], default: bool, *, key: str = "") -> Value[bool]:
        """Read a boolean: ``true`` or ``false``; also ``1``, ``yes``, ``on`` and their opposites."""

        def parse(text: str) -> bool:
            if text.lower() not in BOOLEANS:
                raise ValueError("valid values are true, false")
            return BOOLEANS[text.lower()]

        return self.parsed(names, parse, default, key=key)

    def parsed(
        self,
        names: str | Sequence[str],
        parse: Callable[[str], T],
        default: T,
        *,
        key: str = "",
        secret: bool = False,
    ) -> Value[T]:
        """Read a value by a parser of your own.

        Args:
            names: the variables that may hold it, strongest first.
            parse: converts text to the value; raises ``ValueError(accepted values[, hint])``. The texts of the
                error are printed, so they must not repeat the value of a secret.
            default: used if the value is unset, and if ``parse`` refuses every candidate.
            key: its key in a configuration file; empty if a file cannot have it.
            secret: masks the value in every output, and lets ``NAME_FILE`` name a file that holds it.
        """
        secret = secret or is_secret(key) or any(map(is_secret, (names,) if isinstance(names, str) else names))
        found = self._find(names, key, secret)
        rejected: list[tuple[Found, ValueError]] = []
        result: Value[T] = self.default(default, key)
        for number, candidate in enumerate(found):
            if secret:
                self.settings.learn_secret(candidate[1])
            try:
                result = _make_value(found[number:], parse(candidate[1]), secret, key)
                break
            except ValueError as error:
                rejected.append((candidate, error))
        for (name, text, source), rejection in rejected:
            accepted, *hint = [str(part) for part in rejection.args]
            used = f"{result.printable()!r} is used instead" if result.value else "it is treated as unset"
            self.problem(
                code="setting-invalid",
                setting=_subject(name, source),
                value="****" if secret else text,
                cause=f"not usable: {accepted}" + ("" if source.chosen else f" (it is the {source})"),
                outcome=used,
                remedy=" ".join([*hint, _remedy(name, source)]),
            )
        return result

    def node(self, key: str) -> Value[Any] | None:
        """Return the list or mapping that a configuration file has under ``key``; ``None`` if it has none."""
        self._keys_read.add(key.partition(".")[0])
        return self.properties.at(*key.split(".")) if self.properties is not None else None

    def everything(self) -> dict[str, Value[Any]]:
        """Return every property of this component in the configuration file, unparsed, by name."""
        properties = self.properties.value if self.properties is not None else None
        if not isinstance(properties, Mapping):
            return {}
        self._keys_read.update(properties)
        return {
            name: Value(value.plain(), value.source, secret=self._mask_property(name, value), key=name)
            for name, value in properties.items()
            if value.value is not None
        }

    def secret(self, text: str) -> str:
        """Return the text, and mask it in every output from now on."""
        self.settings.learn_secret(text)
        return text

    def _mask_property(self, name: str, value: Value[Any]) -> bool:
        """Mask the secrets inside a property; tell whether it is or contains one."""
        found = list(secrets_inside(name, value))
        for text in found:
            self.secret(text)
        return is_secret(name) or bool(found)

    def component(self, kind: ComponentKind, key: str) -> Value[Any] | None:
        """Select a component inside this one, such as the ``root`` of a sampler: one name with its properties.

        Returns: a value that the factory gets as the built component; ``None`` if the file has none, or it cannot be
            used.
        """
        node = self.node(key)
        selected = self._resolve(kind, node) if node is not None and self._resolve else None
        return Value(selected, node.source, key=key) if node is not None and selected is not None else None

    def problem(self, *, code: str, setting: str, value: str, cause: str, outcome: str, remedy: str) -> None:
        """Report a setting whose value was replaced; ``outcome`` is the value used instead."""
        self.problems.append(
            Problem(
                code=code,
                subject=f"{setting}={value}" if value else setting,
                cause=cause,
                outcome=outcome,
                remedy=remedy.strip(),
                severity="warning",
            )
        )

    def refuse(self, cause: str, remedy: str) -> None:
        """Leave the component out and report it as a problem; it is not built.

        Args:
            cause: the reason why it cannot be used.
            remedy: an instruction to correct it, as a sentence.
        """
        self.refused = True
        place = f"{self.properties.source} " if self.properties is not None else ""
        self.problems.append(
            Problem(
                code="component-refused",
                subject=f"{place}{self.name}",
                cause=cause,
                outcome="it is left out",
                remedy=remedy,
            )
        )

    def unread(self) -> list[tuple[str, Source, str]]:
        """Return the properties in the file that were not read: (name, source, suggestion)."""
        properties = self.properties.value if self.properties is not None else None
        if not isinstance(properties, Mapping):
            return []
        return [
            (name, value.source, did_you_mean(name, self._keys_read))
            for name, value in properties.items()
            if name not in self._keys_read
        ]

    def given(self, *names: str) -> str:
        """Return the first of ``names`` that is set, with the instance's suffix; the last one if none is set."""
        for name in names:
            if self._lookup(name):
                return self.spelt(name)
        return self.spelt(names[-1])

    def spelt(self, name: str) -> str:
        """Add the instance's suffix to a variable's name: ``__BACKUP`` for the instance ``backup``."""
        return f"{name}__{self.instance.upper().replace('-', '_')}" if self.instance else name

    def _lookup(self, name: str) -> list[tuple[str, Source]]:
        return self.settings.lookup(self.spelt(name))

    def _find(self, names: str | Sequence[str], key: str, secret: bool) -> list[Found]:
        names = (names,) if isinstance(names, str) else names
        found: list[Found] = []
        for name in names:
            found += [(self.spelt(name), text, source) for text, source in self._lookup(name)]
            if secret:
                file = self.spelt(f"{name}_FILE")
                found += read_secret(file, self.settings.lookup(file), self.problems)
        node = self.node(key) if key else None
        if node is not None:
            if isinstance(node.value, (Mapping, list)):
                self.problem(
                    code="setting-invalid",
                    setting=f"{node.source} {key}",
                    value="",
                    cause="expected one value, found a list or a mapping",
                    outcome="it is treated as unset",
                    remedy=f"Correct {node.source}.",
                )
            elif str(node.value).strip():
                found.append((key, as_text(node.value).strip(), node.source))
        # A plugin's default for traces alone is weaker than the user's value for all signals.
        return sorted(found, key=lambda item: -strength_for_one(item[2]))


def strength_for_one(source: Source) -> float:
    """Rank a source: a file's value for one component or instrumentation beats a variable."""
    return STRENGTH.index("environment") + 0.5 if source.kind == "file" else source.strength


def _subject(name: str, source: Source) -> str:
    return f"{source} {name}" if source.kind in ("file", "project") else name


def _remedy(name: str, source: Source) -> str:
    if source.kind in ("file", "project"):
        return f"Correct {source}."
    return f"Change or unset {source.name}." if source.chosen else f"Set {name} to another value."


def _make_value(found: list[Found], value: Any, secret: bool, key: str) -> Value[Any]:
    overridden = () if secret else tuple((text, source) for _, text, source in found[1:])
    if isinstance(value, dict):
        # The value is shared, and must not be changed in place.
        value = MappingProxyType(value)
    return Value(value, found[0][2], overridden, secret, key)


#: By the unit of a setting and how its name shows it: factors of the units that people write.
_UNITS = (
    (
        "milliseconds",
        re.compile(r"TIMEOUT|DELAY|INTERVAL|_AGE$"),
        {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000},
    ),
    ("bytes", re.compile(r"_MAX_SIZE$|_BYTES$"), {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}),
)


def _convert(text: str, names: str | Sequence[str]) -> str:
    """Return a hint for a quantity with a unit, such as ``10s`` or ``1GB``; empty for other texts and settings."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]{1,3})", text.strip().lower())
    first = names if isinstance(names, str) else next(iter(names), "")
    for unit, name, factors in _UNITS:
        if found and name.search(first):
            written = re.sub(r"(?<=.)i?b$", "", found[2]) if unit == "bytes" else found[2]
            if written in factors:
                return f"The unit is {unit}: write {float(found[1]) * factors[written]:.0f}."
    return ""
