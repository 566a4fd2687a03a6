"""How a component reads its parameters, while the plan is made: from settings, or from a configuration file.

A declaration's ``parameters`` function is handed a :class:`Reader`. Every method returns a
:class:`~distrokit.settings.values.Value` that knows its source; text that cannot be used becomes a
:class:`~distrokit.diagnostics.Problem` and the default is used, so one bad number costs that number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from distrokit.diagnostics import Problem, did_you_mean
from distrokit.settings.layers import Settings, is_secret
from distrokit.settings.secret_files import read_secret
from distrokit.settings.secret_values import secrets_inside
from distrokit.settings.values import STRENGTH, Source, Value, as_text

if TYPE_CHECKING:
    from distrokit.declarations import ComponentKind, Signal

T = TypeVar("T")

#: One candidate for a value: what it is called, its text, where it is from.
Found = tuple[str, str, Source]

#: Picks a component that another one contains; ``None`` when it cannot.
Resolve = Callable[["ComponentKind", Value[Any]], Any]

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Reader:
    """Reads the parameters of one component.

    Every method takes the names of the variables that may hold the value, strongest first, and the
    ``key`` under which a configuration file has it, dotted where it is nested (``tls.ca_file``). What
    the file says of this very component is stronger than the environment, weaker than code.

    Args:
        settings: all settings.
        owner: who a default is attributed to, for example ``otlp 0.1.0``.
        signal: the signal the component is planned for; ``None`` where there is none.
        name: the name the component was picked by.
        instance: ``backup`` of ``otlp/backup``: only variables ending in ``__BACKUP`` are read, so that
            no destination gets another one's credentials; empty for the plain component.
        properties: what the configuration file says of it; ``None`` when it comes from settings.
        resolve: picks components inside this one.

    Attributes:
        file_name: how a configuration file calls the component, where that is not its name; set it.
            Dotted where it stands inside another one (``parent_based.root.always_on``).
        refused: whether the component is left out; see :meth:`refuse`.
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
        self._asked: set[str] = set()

    @property
    def in_file(self) -> bool:
        """Whether a configuration file names this component."""
        return self.properties is not None

    def default(self, value: T, key: str = "") -> Value[T]:
        """A value that nobody gave."""
        return Value(value, self._default, key=key)

    def text(self, names: str | Sequence[str], default: str = "", *, key: str = "", secret: bool = False) -> Value[str]:
        """The first of ``names`` that is set, else ``default``; ``secret`` masks it everywhere."""
        return self.parsed(names, str, default, key=key, secret=secret)

    def choice(self, names: str | Sequence[str], choices: Sequence[str], default: str, *, key: str = "") -> Value[str]:
        """One of ``choices``, whatever its case."""

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
        """A whole number from ``minimum`` to ``maximum``; beyond that, threads cannot wait so long."""

        def parse(text: str) -> int:
            number = int(text) if len(text) <= 20 and text.lstrip("+-").isdecimal() else None
            if number is None or not minimum <= number <= maximum:
                raise ValueError(f"it must be a whole number from {minimum} to {maximum}")
            return number

        return self.parsed(names, parse, default, key=key)

    def number(
        self, names: str | Sequence[str], default: float, *, minimum: float, maximum: float, key: str = ""
    ) -> Value[float]:
        """A number from ``minimum`` to ``maximum``."""

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
        """``true`` or ``false``."""

        def parse(text: str) -> bool:
            if text.lower() not in _FLAGS:
                raise ValueError("valid values are true, false")
            return _FLAGS[text.lower()]

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
        """Any setting.

        Args:
            names: the variables that may hold it, strongest first.
            parse: text to value; raises ``ValueError(what is accepted[, hint])``. What it says
                is printed, so it must not repeat the value of a secret.
            default: used when unset, and when ``parse`` refuses every value there is.
            key: how a configuration file calls it; empty when no file can say it.
            secret: masks the value in every output; and lets ``NAME_FILE`` name a file that holds it.
        """
        secret = secret or is_secret(key) or any(map(is_secret, (names,) if isinstance(names, str) else names))
        found = self._find(names, key, secret)
        refused: list[tuple[Found, ValueError]] = []
        result: Value[T] = self.default(default, key)
        for number, candidate in enumerate(found):
            if secret:
                self.settings.learn_secret(candidate[1])
            try:
                result = _value(found[number:], parse(candidate[1]), secret, key)
                break
            except ValueError as error:
                refused.append((candidate, error))
        for (name, text, source), refusal in refused:
            accepted, *hint = [str(part) for part in refusal.args]
            used = f"{result.printable()!r} is used instead" if result.value else "it is treated as unset"
            self.problem(
                code="setting-invalid",
                setting=_called(name, source),
                value="****" if secret else text,
                cause=f"not usable: {accepted}" + ("" if source.chosen else f" (it is the {source})"),
                outcome=used,
                remedy=" ".join([*hint, _mend(name, source)]),
            )
        return result

    def node(self, key: str) -> Value[Any] | None:
        """What a configuration file has under ``key``, a list or a mapping; ``None`` when it has nothing."""
        self._asked.add(key.partition(".")[0])
        return self.properties.at(*key.split(".")) if self.properties is not None else None

    def everything(self) -> dict[str, Value[Any]]:
        """Every property that a configuration file has of this component, as it stands there."""
        properties = self.properties.value if self.properties is not None else None
        if not isinstance(properties, Mapping):
            return {}
        self._asked.update(properties)
        return {
            name: Value(value.plain(), value.source, secret=self._masked(name, value), key=name)
            for name, value in properties.items()
            if value.value is not None
        }

    def secret(self, text: str) -> str:
        """The text, which is masked in every output from now on."""
        self.settings.learn_secret(text)
        return text

    def _masked(self, name: str, value: Value[Any]) -> bool:
        """Whether a property's name says that it is a secret; and its texts become one."""
        found = list(secrets_inside(name, value))
        for text in found:
            self.secret(text)
        return is_secret(name) or bool(found)

    def component(self, kind: ComponentKind, key: str) -> Value[Any] | None:
        """A component inside this one, such as the ``root`` of a sampler: one name with its properties.

        Returns: what the factory will find built; ``None`` when there is none, or it cannot be used.
        """
        node = self.node(key)
        picked = self._resolve(kind, node) if node is not None and self._resolve else None
        return Value(picked, node.source, key=key) if node is not None and picked is not None else None

    def problem(self, *, code: str, setting: str, value: str, cause: str, outcome: str, remedy: str) -> None:
        """Report something about a setting that was replaced; say what is used instead."""
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
        """Leave the component out: nothing is built of it, and this is a problem.

        Args:
            cause: why it cannot be used.
            remedy: what to write instead, as a sentence.
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
        """Properties in the file that nobody asked for: (name, where, a hint)."""
        properties = self.properties.value if self.properties is not None else None
        if not isinstance(properties, Mapping):
            return []
        return [
            (name, value.source, did_you_mean(name, self._asked))
            for name, value in properties.items()
            if name not in self._asked
        ]

    def given(self, *names: str) -> str:
        """The first of ``names`` that is set, as this component calls it; the last one when none is."""
        for name in names:
            if self._lookup(name):
                return self.spelt(name)
        return self.spelt(names[-1])

    def spelt(self, name: str) -> str:
        """A variable's name as this component has it: with ``__BACKUP`` for the instance ``backup``."""
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
        # A plugin's default for traces alone is weaker than the user's word for all signals.
        return sorted(found, key=lambda item: -strength_for_one(item[2]))


def strength_for_one(source: Source) -> float:
    """What a file says of this very component, or instrumentation, is more to the point than a variable."""
    return STRENGTH.index("environment") + 0.5 if source.kind == "file" else source.strength


def _called(name: str, source: Source) -> str:
    return f"{source} {name}" if source.kind in ("file", "project") else name


def _mend(name: str, source: Source) -> str:
    if source.kind in ("file", "project"):
        return f"Correct {source}."
    return f"Change or unset {source.name}." if source.chosen else f"Set {name} to another value."


def _value(found: list[Found], value: Any, secret: bool, key: str) -> Value[Any]:
    overridden = () if secret else tuple((text, source) for _, text, source in found[1:])
    if isinstance(value, dict):
        # A value that many hold must not be changed in place.
        value = MappingProxyType(value)
    return Value(value, found[0][2], overridden, secret, key)
